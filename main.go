// Command dianchi is the platform on which a city watches, plans and serves
// its electric vehicles: see README.md and docs/.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// version is set by the build.
var version = "dev"

// Exit statuses.
const (
	exitClean = 0
	exitError = 1
	exitUsage = 2
)

// command is one row of the command table.
type command struct {
	name   string
	args   string // words after the name, for help
	letter string // which flags it takes, see option.in
	words  int    // how many words it needs
	help   string
	run    func(ctx context.Context, c *config, words []string, out io.Writer) error
}

func commands() []command {
	return []command{
		{"", "", inRun, 0, "run everything in one process tree", runAll},
		{"ingest", "", inIng, 0, "run only the part that takes reports and keeps them", runIngest},
		{"api", "", inAPI, 0, "run only pages, API and websocket, following an ingest process", runAPI},
		{"simulator", "", inSim, 0, "push a simulated city, or one party's share of it, to a platform", runSimulator},
		{"party add", "SLUG", inParty, 1, "register an operator or a maker; prints its MQTT password", partyAdd},
		{"party list", "", inAdmin, 0, "list the parties", partyList},
		{"party remove", "SLUG", inAdmin, 1, "remove a party for good; its history stays", partyRemove},
		{"token add", "", inToken, 0, "make a token for the API; prints it", tokenAdd},
		{"token list", "", inAdmin, 0, "list the tokens, never their secrets", tokenList},
		{"token remove", "ID", inAdmin, 1, "remove a token", tokenRemove},
		{"demo-parties", "FILE", inDemo, 1, "register the simulated city's parties; their passwords go to FILE", demoParties},
		{"broker-files", "DIR", inBrok, 1, "write password and ACL files for an outside mosquitto", brokerFiles},
		{"version", "", "", 0, "print the version", printVersion},
		{"help", "[COMMAND]", "", -1, "print this, or a command's flags", printHelp},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	status := run(ctx, os.Args[1:], lookupEnv, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run carries out one call of the program and returns its exit status. Wrong
// use and failure are one line on errOut that says what to do.
func run(ctx context.Context, args []string, env func(string) (string, bool), out, errOut io.Writer) int {
	cmd, rest, err := find(args)
	if err == nil {
		c := config{notes: io.Discard}
		if atTerminal(errOut) {
			c.notes = errOut
		}
		var words []string
		words, err = c.parse(cmd.letter, rest, env)
		switch {
		case err != nil:
		case cmd.words >= 0 && len(words) > cmd.words:
			err = usagef("%q is one word too many; see: dianchi help", words[cmd.words])
		case len(words) < cmd.words:
			err = usagef("dianchi %s needs %s; see: dianchi help %s", cmd.name, cmd.args, cmd.name)
		default:
			err = cmd.run(ctx, &c, words, out)
		}
	}
	if err == nil {
		return exitClean
	}
	fmt.Fprintln(errOut, "dianchi:", oneLine(err))
	if _, wrong := errors.AsType[usageError](err); wrong {
		return exitUsage
	}
	return exitError
}

// atTerminal reports whether a person reads w.
func atTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// find returns the command that args begin with, and what follows it.
func find(args []string) (command, []string, error) {
	all := commands()
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		if len(args) > 0 && (args[0] == "--help" || args[0] == "-h" || args[0] == "-help") {
			args = append([]string{"help"}, args[1:]...)
		} else if len(args) > 0 && args[0] == "--version" {
			args = append([]string{"version"}, args[1:]...)
		} else {
			return all[0], args, nil
		}
	}
	for _, c := range all[1:] {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && strings.Join(args[:len(words)], " ") == c.name {
			rest := args[len(words):]
			for _, a := range rest {
				if c.name != "help" && (a == "--help" || a == "-h") {
					return all[len(all)-1], words, nil
				}
			}
			return c, rest, nil
		}
	}
	return command{}, nil, usagef("there is no command %q; see: dianchi help", strings.Join(args[:min(2, len(args))], " "))
}

func printVersion(_ context.Context, _ *config, _ []string, out io.Writer) error {
	_, err := fmt.Fprintln(out, "dianchi", version)
	return err
}

func printHelp(_ context.Context, _ *config, words []string, out io.Writer) error {
	name := strings.Join(words, " ")
	if name == "" {
		fmt.Fprintf(out, "Dianchi watches, plans and serves a city's electric vehicles.\n\nUsage: dianchi [COMMAND] [flags]\n\nCommands:\n")
		for _, c := range commands() {
			left := strings.TrimSpace(c.name + " " + c.args)
			if left == "" {
				left = "(none)"
			}
			fmt.Fprintf(out, "  %-20s %s\n", left, c.help)
		}
		fmt.Fprintf(out, "\nFlags without a command:\n")
		printFlags(out, inRun)
		fmt.Fprintf(out, "\nEach flag is also an environment variable: --raw-retention is DIANCHI_RAW_RETENTION.\n"+
			"\"dianchi help COMMAND\" prints a command's flags.\n")
		return nil
	}
	for _, c := range commands() {
		if c.name == name {
			fmt.Fprintf(out, "dianchi %s: %s\n", strings.TrimSpace(c.name+" "+c.args), c.help)
			if c.letter != "" {
				fmt.Fprintf(out, "\nFlags:\n")
				printFlags(out, c.letter)
			}
			return nil
		}
	}
	return usagef("there is no command %q; see: dianchi help", name)
}
