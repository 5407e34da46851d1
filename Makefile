# The bundled InfluxDB 1.8.10, from its own module, so that none of what it needs
# stands in ours. It is put in place whole: a platform that waits for it may look
# at any moment.
bin/influxd: internal/influxd/build/go.mod internal/influxd/build/go.sum
	mkdir -p bin
	cd internal/influxd/build && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=1.8.10" \
		-o $(CURDIR)/bin/.influxd.new github.com/influxdata/influxdb/cmd/influxd
	mv bin/.influxd.new $@
