// Package influx keeps how it was: it writes what the spool holds into InfluxDB
// and answers questions about the past.
//
// # What stands in InfluxDB
//
//	pile,id=PARTY:ID      has status powerKw voltageV … lockStatus, or same   raw bucket
//	vehicle,id=VIN        has lon lat speedKmh … insulationKohm, or same      raw bucket
//	total,scope=S,id=ID   pilesTotal … vehiclesAlarm powerKw energyKwh taken  totals bucket
//
// Time stamps are the report's ts. A point is whole, with one field for each
// member that the report carried, or a reference: one integer field, same, which
// is the ts in epoch milliseconds of the object's last whole point, which it
// equals in every member. A whole point carries has, the bits of [charge.Has], so
// that a later report of the same ts replaces it whole, although InfluxDB merges
// fields. A reference never reaches back more than an hour, nor over a multiple of
// six hours of Unix time, where the raw shards begin; the first report after a
// start is always whole. Late reports are whole, too, and stand one nanosecond
// after their ts: whatever they contradict, those that refer to the point at ts
// keep their meaning. Readers take the newest of a millisecond.
//
// The bundled InfluxDB and others of version 1.8 have buckets named
// "database/policy", and are asked in InfluxQL, which takes a quarter of Flux's
// time there. In InfluxDB 2.x both kinds of data go to one bucket (or two, if
// Target.TotalsBucket says so), whose retention is the deployer's, and it is
// asked in Flux.
package influx

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api"
	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"
	"github.com/influxdata/influxdb-client-go/v2/api/write"
)

// Target says which InfluxDB it is.
type Target struct {
	// Endpoint returns the address, the token ("user:password" for 1.8) and
	// whether they can be used now. It is asked before each request, because the
	// bundled InfluxDB may move.
	Endpoint     func() (url, token string, ok bool)
	Org          string // 2.x only
	Bucket       string // of raw points: "database/policy" for 1.8, a bucket's name for 2.x
	TotalsBucket string // of 5-minute totals; "" is Bucket
}

// Fixed returns an Endpoint that is always the same.
func Fixed(url, token string) func() (string, string, bool) {
	return func() (string, string, bool) { return url, token, true }
}

// Validate names what is missing.
func (t *Target) Validate() error {
	if t.Endpoint == nil || t.Bucket == "" {
		return fmt.Errorf("influx: an endpoint and a bucket are needed")
	}
	if addr, _, ok := t.Endpoint(); ok {
		if u, err := url.Parse(addr); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("influx: %q is not an http or https address", addr)
		}
	}
	return nil
}

func (t *Target) totals() string {
	if t.TotalsBucket != "" {
		return t.TotalsBucket
	}
	return t.Bucket
}

// link makes services for a Target and keeps the last one.
type link struct {
	target  Target
	timeout time.Duration

	mu         sync.Mutex
	url, token string
	service    influxhttp.Service
	client     *http.Client
	far        bool // not on this machine
}

// errAway means that there is no endpoint now.
var errAway = fmt.Errorf("InfluxDB is not there yet")

// get returns the service for the present endpoint.
func (l *link) get() (influxhttp.Service, error) {
	addr, token, ok := l.target.Endpoint()
	if !ok {
		return nil, errAway
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.service != nil && l.url == addr && l.token == token {
		return l.service, nil
	}
	if l.client != nil {
		l.client.CloseIdleConnections()
	}
	l.far = !isLoopback(addr)
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  !l.far,
	}
	if l.far {
		transport.Proxy = http.ProxyFromEnvironment
	}
	l.client = &http.Client{Timeout: l.timeout, Transport: transport}
	if !strings.HasSuffix(addr, "/") {
		addr += "/"
	}
	options := influxhttp.DefaultOptions().SetHTTPClient(l.client).SetApplicationName("dianchi")
	l.service = influxhttp.NewService(addr, "Token "+token, options)
	l.url, l.token = strings.TrimSuffix(addr, "/"), token
	return l.service, nil
}

// writer returns the client library's blocking writer for a bucket. The
// asynchronous one loses silently. Bodies are compressed for other machines only.
func (l *link) writer(bucket string) (api.WriteAPIBlocking, error) {
	service, err := l.get()
	if err != nil {
		return nil, err
	}
	options := write.DefaultOptions().SetPrecision(time.Nanosecond).SetUseGZip(l.far)
	return api.NewWriteAPIBlocking(l.target.Org, bucket, service, options), nil
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil {
		l.client.CloseIdleConnections()
	}
}

func isLoopback(addr string) bool {
	u, err := url.Parse(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
