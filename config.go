package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/api"
)

// config is every setting of the program. Each flag is also an environment
// variable: DIANCHI_ and the name in upper case, with _ for -.
type config struct {
	Data  string
	notes io.Writer // for what a person should know and a program need not

	HTTP           string
	API            api.Config // what is set by flags of it
	MessageKiB     int
	MQTT           string
	MQTTTLS        string
	MQTTCert       string
	MQTTKey        string
	MQTTConns      int
	MQTTParty      int
	MQTTAddress    int
	MQTTLogin      time.Duration
	MQTTSlow       time.Duration
	MQTTWindow     int
	MQTTPacket     int
	MQTTFilters    int
	Broker         string
	BrokerUser     string
	BrokerPassword string
	BrokerCA       string

	InfluxURL    string
	InfluxToken  string
	InfluxOrg    string
	InfluxBucket string
	Influxd      string // the bundled store's program
	RawRetention time.Duration

	City  string
	Stale time.Duration

	SpoolMaxGB int
	PartyRate  int
	LateRate   int

	PartyObjects int

	Demo     bool
	Vehicles int
	Piles    int
	Cadence  time.Duration
	Seed     int
	Faults   bool

	Ingest        string
	InternalToken string

	Party    string
	Password string
	Accounts string
	Stats    string // file of the simulator's figures

	BrokerFiles string

	Kind   string
	Name   string
	NameEn string
	Role   string

	LogLevel string
}

// option is one row of the table that gives flag, environment name, default and help.
type option struct {
	name   string
	def    string
	unit   string // what stands for the value in help; "" for a switch
	help   string
	in     string // commands that take it, by letter: see commandLetters
	secret bool
	set    func(string) error
}

// Letters of the commands in option.in.
const (
	inRun   = "r"
	inIng   = "i"
	inAPI   = "a"
	inSim   = "s"
	inParty = "p" // party add
	inToken = "t" // token add
	inAdmin = "d" // list and remove
	inBrok  = "b" // broker-files
	inDemo  = "m" // demo-parties
)

func text(p *string) func(string) error {
	return func(s string) error { *p = s; return nil }
}

func number(p *int, least, most int) func(string) error {
	return func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return fmt.Errorf("is not a whole number from %d to %d", least, most)
		}
		*p = n
		return nil
	}
}

func duration(p *time.Duration, least, most time.Duration) func(string) error {
	return func(s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d < least || d > most {
			return fmt.Errorf("is not a duration from %v to %v, such as %v", least, most, least)
		}
		*p = d
		return nil
	}
}

func toggle(p *bool) func(string) error {
	return func(s string) error {
		b, err := strconv.ParseBool(s)
		if err != nil {
			return errors.New("is not true or false")
		}
		*p = b
		return nil
	}
}

func address(p *string, schemes ...string) func(string) error {
	return func(s string) error {
		u, err := url.Parse(s)
		if s != "" && (err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme)) {
			return fmt.Errorf("is not an address such as %s://host:port", schemes[0])
		}
		*p = s
		return nil
	}
}

func oneOf(p *string, words ...string) func(string) error {
	return func(s string) error {
		if !slices.Contains(words, s) {
			return fmt.Errorf("is not one of %s", strings.Join(words, ", "))
		}
		*p = s
		return nil
	}
}

func (c *config) setProxies(s string) (err error) {
	c.API.Limits.Proxies, err = api.ParseProxies(s)
	return err
}

// options is the table; docs/operations.md is held against it by a test.
func (c *config) options() []*option {
	return []*option{
		{name: "data", def: "data", unit: "DIR", in: "riptdbm", set: text(&c.Data),
			help: "folder for everything that is kept; readable by its owner only"},
		{name: "http", def: ":8080", unit: "ADDR", in: "ria", set: text(&c.HTTP),
			help: "address for pages, API and websocket"},
		{name: "viewers", def: "18000", unit: "N", in: "ria", set: number(&c.API.MaxViewers, 1, 1_000_000),
			help: "most websockets; more are answered 503"},
		{name: "viewers-address", def: "9000", unit: "N", in: "ria",
			set:  number(&c.API.Limits.AddressViewers, 0, 1_000_000),
			help: "most websockets from one address (IPv6: /64); more are answered 429; 0: no limit"},
		{name: "viewers-token", def: "9000", unit: "N", in: "ria",
			set:  number(&c.API.Limits.TokenViewers, 0, 1_000_000),
			help: "most websockets of one token; more are answered 429; 0: no limit"},
		{name: "viewer-subs", def: "64", unit: "N", in: "ria", set: number(&c.API.MaxSubs, 1, 10_000),
			help: "most subscriptions of a websocket"},
		{name: "viewer-message", def: "64", unit: "KIB", in: "ria", set: number(&c.MessageKiB, 1, 16_384),
			help: "largest message from a websocket in KiB; larger ones close it with 1009"},
		{name: "viewer-rate", def: "20", unit: "N", in: "ria",
			set:  number(&c.API.Limits.MessageRate, 0, 1_000_000),
			help: "messages/s from a websocket, with 10 s' worth in hand; then it is read slower; 0: no limit"},
		{name: "address-rate", def: "2000", unit: "N", in: "ria",
			set:  number(&c.API.Limits.AddressRate, 0, 1_000_000),
			help: "API requests/s from one address (IPv6: /64), with 5 s' worth in hand; 0: no limit"},
		{name: "token-rate", def: "2000", unit: "N", in: "ria",
			set:  number(&c.API.Limits.TokenRate, 0, 1_000_000),
			help: "API requests/s of one token, with 5 s' worth in hand; 0: no limit"},
		{name: "proxies", def: "loopback", unit: "LIST", in: "ria", set: c.setProxies,
			help: "whose X-Forwarded-For is believed: loopback, private, addresses, prefixes, or none"},
		{name: "drain", def: "2s", unit: "D", in: "ria", set: duration(&c.API.Drain, 0, 10*time.Minute),
			help: "at a stop, how long HTTP and websockets go on, with /readyz 503, before they are closed"},
		{name: "come-back", def: "15s", unit: "D", in: "ria", set: duration(&c.API.ComeBack, time.Second, 10*time.Minute),
			help: "at a stop, websockets are told to come again at random moments within this time"},
		{name: "mqtt", def: ":1883", unit: "ADDR", in: "ri", set: text(&c.MQTT),
			help: "address of the embedded MQTT door; off: none without TLS"},
		{name: "mqtt-tls", unit: "ADDR", in: "ri", set: text(&c.MQTTTLS),
			help: "address of the door with TLS 1.2 or newer, usually :8883"},
		{name: "mqtt-cert", unit: "FILE", in: "ri", set: text(&c.MQTTCert),
			help: "its certificate and those that signed it, PEM; read again when it changes"},
		{name: "mqtt-key", unit: "FILE", in: "ri", set: text(&c.MQTTKey), help: "its key, PEM"},
		{name: "mqtt-conns", def: "20000", unit: "N", in: "ri", set: number(&c.MQTTConns, 1, 1_000_000),
			help: "most connections of parties; at most half of the files that the process may open"},
		{name: "mqtt-party-conns", def: "2000", unit: "N", in: "ri", set: number(&c.MQTTParty, 1, 1_000_000),
			help: "most connections of one party"},
		{name: "mqtt-address-logins", def: "1000", unit: "N", in: "ri", set: number(&c.MQTTAddress, 1, 1_000_000),
			help: "most connections from one address (IPv6: /64) that are not logged in yet"},
		{name: "mqtt-login-time", def: "10s", unit: "D", in: "ri", set: duration(&c.MQTTLogin, time.Second, 5*time.Minute),
			help: "from a connection to its CONNECT, with TLS's handshake"},
		{name: "mqtt-slow", def: "20s", unit: "D", in: "ri", set: duration(&c.MQTTSlow, time.Second, 10*time.Minute),
			help: "how long a client may take to read what it is sent, before it is cut"},
		{name: "mqtt-window", def: "256", unit: "N", in: "ri", set: number(&c.MQTTWindow, 1, 65535),
			help: "unacknowledged messages of a connection before no more are read"},
		{name: "mqtt-packet", def: "1024", unit: "KIB", in: "ri", set: number(&c.MQTTPacket, 256, 65536),
			help: "largest payload in KiB before the connection is cut"},
		{name: "mqtt-filters", def: "64", unit: "N", in: "ri", set: number(&c.MQTTFilters, 1, 10_000),
			help: "most topic filters in one SUBSCRIBE"},
		{name: "broker", unit: "URL", in: "ris", set: address(&c.Broker, "tcp", "ssl", "mqtt", "mqtts"),
			help: "use this MQTT broker instead of the embedded door (simulator: publish to it)"},
		{name: "broker-user", unit: "NAME", in: "ri", set: text(&c.BrokerUser), help: "user name at the broker"},
		{name: "broker-password", unit: "SECRET", in: "ribm", secret: true, set: text(&c.BrokerPassword),
			help: "password at the broker; better given by environment"},
		{name: "broker-ca", unit: "FILE", in: "ris", set: text(&c.BrokerCA),
			help: "who may have signed the certificate of an ssl:// broker, PEM; default: the system's"},
		{name: "influx", unit: "URL", in: "ria", set: address(&c.InfluxURL, "http", "https"),
			help: "use this InfluxDB instead of the bundled one"},
		{name: "influx-token", unit: "SECRET", in: "ria", secret: true, set: text(&c.InfluxToken),
			help: "its token, or user:password for 1.8; better given by environment"},
		{name: "influx-org", unit: "NAME", in: "ria", set: text(&c.InfluxOrg), help: "its organisation (2.x)"},
		{name: "influx-bucket", def: "dianchi", unit: "NAME", in: "ria", set: text(&c.InfluxBucket),
			help: "its bucket (2.x) or database (1.8)"},
		{name: "influxd", unit: "FILE", in: "ri", set: text(&c.Influxd),
			help: "program of the bundled InfluxDB; default: influxd beside this program"},
		{name: "raw-retention", def: "72h", unit: "D", in: "ri",
			set:  duration(&c.RawRetention, 6*time.Hour, 10*365*24*time.Hour),
			help: "how long raw reports are kept; 72h take about 20 GB at 13,300 reports/s"},
		{name: "spool-max", def: "20", unit: "GB", in: "ri", set: number(&c.SpoolMaxGB, 1, 100_000),
			help: "largest spool; never more than a quarter of the free disk"},
		{name: "party-rate", def: "20000", unit: "N", in: "ri", set: number(&c.PartyRate, 100, 10_000_000),
			help: "reports/s of one party, with 10 s' worth in hand; beyond it its PUBACKs come later"},
		{name: "party-objects", def: "500000", unit: "N", in: "ri", set: number(&c.PartyObjects, 1, 4_000_000),
			help: "vehicles of a maker, or ids of piles that an operator ever used; beyond it unknown ones are rejected"},
		{name: "late-rate", def: "5000", unit: "N", in: "ri", set: number(&c.LateRate, 100, 10_000_000),
			help: "reports/s of all messages together whose reports are older than --stale"},
		{name: "city", unit: "FILE", in: "rias", set: text(&c.City),
			help: "name, zone, bounds, districts and tariff; default: Kunming"},
		{name: "stale", def: "5m", unit: "D", in: "ria", set: duration(&c.Stale, 10*time.Second, 24*time.Hour),
			help: "silence after which a pile or vehicle counts as offline"},
		{name: "demo", in: "r", set: toggle(&c.Demo), help: "add the simulated city"},
		{name: "vehicles", def: "0", unit: "N", in: "rs", set: number(&c.Vehicles, 0, 2_000_000),
			help: "vehicles of the simulated city; 0: 200000, or 50000 under 12 GiB of memory"},
		{name: "piles", def: "0", unit: "N", in: "rs", set: number(&c.Piles, 0, 2_000_000),
			help: "piles of the simulated city; 0: as many as vehicles"},
		{name: "cadence", def: "0s", unit: "D", in: "rs", set: duration(&c.Cadence, 0, 4*time.Minute),
			help: "every simulated object reports this often; 0: as real ones do"},
		{name: "seed", def: "1", unit: "N", in: "rs", set: number(&c.Seed, 0, 1<<31-1),
			help: "seed of the simulated city"},
		{name: "faults", def: "true", unit: "BOOL", in: "rs", set: toggle(&c.Faults),
			help: "whether the simulated city sends bad data as real ones do"},
		{name: "ingest", unit: "URL", in: "a", set: address(&c.Ingest, "http", "https"),
			help: "follow the ingest process at this address"},
		{name: "internal-token", unit: "SECRET", in: "ria", secret: true, set: text(&c.InternalToken),
			help: "secret that ingest and api processes share; better given by environment"},
		{name: "party", unit: "SLUG", in: "st", set: text(&c.Party),
			help: "push this party's share (simulator); whose objects the token shows (token add)"},
		{name: "password", unit: "SECRET", in: "s", secret: true, set: text(&c.Password),
			help: "that party's password"},
		{name: "accounts", unit: "FILE", in: "rs", set: text(&c.Accounts),
			help: "JSON object of slug to password, for a city of several parties"},
		{name: "stats", unit: "FILE", in: "s", set: text(&c.Stats),
			help: "keep the simulator's own count there, JSON, each second and at the end"},
		{name: "broker-files", unit: "DIR", in: "m", set: text(&c.BrokerFiles),
			help: "also write password and ACL files for an outside mosquitto there"},
		{name: "kind", unit: "KIND", in: "p", set: oneOf(&c.Kind, "operator", "maker"), help: "operator or maker"},
		{name: "name", unit: "NAME", in: "p", set: text(&c.Name), help: "name for Chinese readers"},
		{name: "name-en", unit: "NAME", in: "p", set: text(&c.NameEn), help: "name for English readers"},
		{name: "role", unit: "ROLE", in: "t", set: oneOf(&c.Role, "driver", "operator", "maker", "regulator"),
			help: "driver, operator, maker or regulator"},
		{name: "log-level", def: "info", unit: "LEVEL", in: "rias",
			set: oneOf(&c.LogLevel, "debug", "info", "warn", "error"), help: "least level that is logged"},
	}
}

// usageError is wrong use: exit status 2.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

func environmentName(flag string) string {
	return "DIANCHI_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// parse sets c from defaults, environment and args for the command with this
// letter, and returns the words that are no flags.
func (c *config) parse(letter string, args []string, env func(string) (string, bool)) ([]string, error) {
	c.API = api.Default()
	byName := map[string]*option{}
	for _, o := range c.options() {
		byName[o.name] = o
		v := o.def
		if o.unit == "" {
			v = "false"
		}
		if v != "" {
			if err := o.set(v); err != nil {
				return nil, fmt.Errorf("default of --%s: %w", o.name, err)
			}
		}
		if !strings.Contains(o.in, letter) {
			continue
		}
		if v, ok := env(environmentName(o.name)); ok && v != "" {
			if err := o.set(v); err != nil {
				return nil, usagef("%s=%s %v", environmentName(o.name), shown(o, v), err)
			}
		}
	}
	var words []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, isFlag := strings.CutPrefix(arg, "-")
		if !isFlag || name == "" {
			words = append(words, arg)
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		o := byName[name]
		if o == nil || !strings.Contains(o.in, letter) {
			return nil, usagef("there is no flag %s here; see: dianchi help", arg)
		}
		if !hasValue {
			switch {
			case o.unit == "":
				value = "true"
			case len(args) == 0:
				return nil, usagef("--%s needs a value: --%s %s", name, name, o.unit)
			default:
				value, args = args[0], args[1:]
			}
		}
		if err := o.set(value); err != nil {
			return nil, usagef("--%s %s %v", name, shown(o, value), err)
		}
	}
	return words, nil
}

func shown(o *option, v string) string {
	if o.secret {
		return "(hidden)"
	}
	return strconv.Quote(v)
}

// printFlags writes the table of one command's flags.
func printFlags(w io.Writer, letter string) {
	for _, o := range new(config).options() {
		if !strings.Contains(o.in, letter) {
			continue
		}
		left := "--" + o.name
		if o.unit != "" {
			left += " " + o.unit
		}
		help := o.help
		if o.def != "" && o.unit != "" {
			help += " (default " + o.def + ")"
		}
		fmt.Fprintf(w, "  %-24s %s\n", left, help)
	}
}

func lookupEnv(name string) (string, bool) { return os.LookupEnv(name) }
