package main

import "fmt"

// mosquittoConf is the broker of both. What it acknowledged may wait for the
// consumer without bound and is on its disk; the window towards a consumer is
// as wide as Telegraf's, so that nobody waits for acknowledgements.
func mosquittoConf(port, dir string) string {
	return fmt.Sprintf(`listener %s 127.0.0.1
allow_anonymous true
user root
persistence true
persistence_location %s/
autosave_interval 10
autosave_on_changes false
max_queued_messages 0
max_inflight_messages 1000
message_size_limit 1048576
log_type error
`, port, dir)
}

// telegrafConf is Telegraf with its safest settings that do not cost it speed:
//   - a persistent session with QoS 1: a message is acknowledged to the broker
//     only once InfluxDB has all of its reports;
//   - up to 1,000 messages (50,000 reports) under way, as many as the broker
//     hands out, so that batches are always full;
//   - half a minute for a write, since a busy InfluxDB would get it twice after the usual 5 s;
//   - batches of 5,000 points as ours, no gzip as ours (it costs CPU), room for
//     every report under way, no tag with the host's name, no tag with the topic;
//   - one consumer for each kind, since a kind has its own members.
func telegrafConf(broker, influx, token, bucket, parser string) string {
	conf := fmt.Sprintf(`[agent]
  interval = "10s"
  round_interval = false
  metric_batch_size = 5000
  metric_buffer_limit = 200000
  flush_interval = "1s"
  omit_hostname = true
  skip_processors_after_aggregators = true

[[outputs.influxdb_v2]]
  urls = [%q]
  token = %q
  organization = ""
  bucket = %q
  content_encoding = "identity"
  timeout = "30s"
`, influx, token, bucket)
	for _, k := range []struct{ topic, measurement, id, strings string }{
		{"piles", "pile", "id", `"session", "vin", "fault"`},
		{"vehicles", "vehicle", "vin", `"crs"`},
	} {
		conf += fmt.Sprintf(`
[[inputs.mqtt_consumer]]
  servers = [%q]
  topics = ["dianchi/v1/+/%s"]
  topic_tag = ""
  qos = 1
  persistent_session = true
  client_id = "telegraf-%s"
  max_undelivered_messages = 1000
`, broker, k.topic, k.topic)
		if parser == "json_v2" {
			conf += fmt.Sprintf(`  data_format = "json_v2"
  [[inputs.mqtt_consumer.json_v2]]
    measurement_name = %q
    [[inputs.mqtt_consumer.json_v2.object]]
      path = "@this"
      timestamp_key = "ts"
      timestamp_format = "unix_ms"
      tags = [%q]
`, k.measurement, k.id)
		} else {
			conf += fmt.Sprintf(`  name_override = %q
  data_format = "json"
  tag_keys = [%q]
  json_string_fields = [%s]
  json_time_key = "ts"
  json_time_format = "unix_ms"
`, k.measurement, k.id, k.strings)
		}
	}
	return conf
}
