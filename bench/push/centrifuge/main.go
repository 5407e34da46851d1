// Command centrifuge publishes recorded frames with the centrifuge library, for
// bench/push. It is told the file with them; its address goes to standard output,
// and it ends when standard input does.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"time"

	"github.com/centrifugal/centrifuge"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "centrifuge:", err)
		os.Exit(1)
	}
}

func run(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var revs []map[string]string
	if err := json.Unmarshal(text, &revs); err != nil {
		return err
	}
	node, err := centrifuge.New(centrifuge.Config{ClientChannelLimit: 1000})
	if err != nil {
		return err
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{}, ReplyWithoutQueue: true}, nil
	})
	node.OnConnect(func(c *centrifuge.Client) {
		c.OnSubscribe(func(_ centrifuge.SubscribeEvent, done centrifuge.SubscribeCallback) {
			done(centrifuge.SubscribeReply{}, nil)
		})
	})
	if err := node.Run(); err != nil {
		return err
	}
	// Its fastest settings: pooled buffers, and a message compressed once for all who get it.
	http.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		CheckOrigin: func(*http.Request) bool { return true }, UseWriteBufferPool: true, ReadBufferSize: 512,
		Compression: true, CompressionLevel: 1, CompressionMinSize: 256, CompressionPreparedMessageCacheSize: 64 << 20,
	}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(ln, nil) }()
	go publish(node, revs)
	fmt.Printf("{\"Addr\":%q}\n", ln.Addr())
	// The only order that it gets asks for counts that it has none of.
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var any json.RawMessage
		if err := in.Decode(&any); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := out.Encode(struct{}{}); err != nil {
			return err
		}
	}
}

var moment = regexp.MustCompile(`"at":"[^"]*"`)

// publish says one revision each second, with the moment put right.
func publish(node *centrifuge.Node, revs []map[string]string) {
	cut := make([]map[string][2]string, len(revs))
	for i, rev := range revs {
		cut[i] = make(map[string][2]string, len(rev))
		for ch, text := range rev {
			at := moment.FindStringIndex(text)
			cut[i][ch] = [2]string{text[:at[0]], text[at[1]:]}
		}
	}
	for i := 0; ; i = (i + 1) % len(cut) {
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		now := time.Now().UTC().Format(`"at":"2006-01-02T15:04:05.000Z"`)
		for ch, parts := range cut[i] {
			if _, err := node.Publish(ch, []byte(parts[0]+now+parts[1])); err != nil {
				fmt.Fprintln(os.Stderr, "centrifuge:", err)
			}
		}
	}
}
