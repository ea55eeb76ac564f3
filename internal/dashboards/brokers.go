package dashboards

// brokers are NATS and Redis as edges and routers see them. The servers' own figures come from their exporters.
func brokers() Board {
	return Board{
		UID: "limegrove-brokers", Title: "Limegrove / Brokers",
		Text: "NATS and Redis as edges and routers see them. For the servers themselves see prometheus-nats-exporter (-varz -jsz=all -connz) and redis_exporter: " +
			"k8s/monitoring/README.md.",
		Rows: []Row{
			{"Is anything wrong?", []Panel{
				{
					Title: "Connected to NATS", Kind: stat, Width: 4, Unit: "percentunit", Warn: 1, Bad: 0.5, Below: true,
					Queries: []Query{{`avg(limegrove_nats_connected)`, ""}},
				},
				{
					Title: "NATS, p99", Text: "Round trip, of the slowest process.", Kind: stat, Width: 4, Unit: "s", Warn: 0.05, Bad: 0.25,
					Queries: []Query{{`max(histogram_quantile(0.99, sum by (instance, le) (rate(limegrove_nats_round_trip_seconds_bucket[$__rate_interval]))))`, ""}},
				},
				{
					Title: "Reconnects within an hour", Kind: stat, Width: 4, Unit: "short", Warn: 1, Bad: 10,
					Queries: []Query{{`sum(increase(limegrove_nats_reconnects_total[1h]))`, ""}},
				},
				{
					Title: "Redis, p99", Text: "From sending a pipeline to its last answer, of the slowest process.", Kind: stat, Width: 4, Unit: "s", Warn: 0.05, Bad: 0.25,
					Queries: []Query{{`max(histogram_quantile(0.99, sum by (instance, le) (rate(limegrove_presence_pipeline_seconds_bucket[$__rate_interval]))))`, ""}},
				},
				{
					Title: "Redis does not answer", Text: "Commands a second.", Kind: stat, Width: 4, Unit: "ops", Bad: 0.001,
					Queries: []Query{{`sum(rate(limegrove_presence_failures_total[$__rate_interval]))`, ""}},
				},
				{
					Title: "Oldest lease", Kind: stat, Width: 4, Unit: "s", Warn: 5, Bad: 9,
					Queries: []Query{{`max(limegrove_presence_lease_age_seconds)`, ""}},
				},
			}},
			{"NATS", []Panel{
				{
					Title: "Round trips, p50 and p99", Kind: chart, Width: 8, Unit: "s",
					Queries: []Query{
						{`histogram_quantile(0.5, sum by (le) (rate(limegrove_nats_round_trip_seconds_bucket[$__rate_interval])))`, "p50"},
						{`histogram_quantile(0.99, sum by (instance, le) (rate(limegrove_nats_round_trip_seconds_bucket[$__rate_interval])))`, "p99 {{instance}}"},
					},
				},
				{
					Title: "Messages", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{{`sum by (instance, direction) (rate(limegrove_nats_messages_total[$__rate_interval]))`, "{{instance}} {{direction}}"}},
				},
				{
					Title: "Bytes", Kind: chart, Width: 8, Unit: "Bps",
					Queries: []Query{{`sum by (instance, direction) (rate(limegrove_nats_bytes_total[$__rate_interval]))`, "{{instance}} {{direction}}"}},
				},
				{
					Title: "Connections and their trouble", Kind: chart, Width: 8, Unit: "short",
					Queries: []Query{
						{`limegrove_nats_connected`, "{{instance}} {{connection}}"},
						{`increase(limegrove_nats_reconnects_total[$__rate_interval])`, "reconnects {{instance}} {{connection}}"},
						{`increase(limegrove_nats_round_trip_failures_total[$__rate_interval])`, "no answer {{instance}}"},
					},
				},
				{
					Title: "JetStream: stored, and again", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{
						{`sum(rate(limegrove_routing_stored_total[$__rate_interval]))`, "stored"},
						{`sum(rate(limegrove_routing_store_retries_total[$__rate_interval]))`, "again"},
						{`sum by (result) (rate(limegrove_stream_copies_total[$__rate_interval]))`, "copied to inboxes: {{result}}"},
						{`sum(rate(limegrove_stream_behind_total[$__rate_interval]))`, "a replica was behind"},
					},
				},
				{
					Title: "JetStream: reads, p99", Kind: chart, Width: 8, Unit: "s",
					Queries: []Query{{`histogram_quantile(0.99, sum by (what, le) (rate(limegrove_stream_read_seconds_bucket[$__rate_interval])))`, "{{what}}"}},
				},
			}},
			{"Redis", []Panel{
				{
					Title: "Round trips, p50 and p99", Kind: chart, Width: 8, Unit: "s",
					Queries: []Query{
						{`histogram_quantile(0.5, sum by (le) (rate(limegrove_presence_pipeline_seconds_bucket[$__rate_interval])))`, "p50"},
						{`histogram_quantile(0.99, sum by (instance, le) (rate(limegrove_presence_pipeline_seconds_bucket[$__rate_interval])))`, "p99 {{instance}}"},
					},
				},
				{
					Title: "Commands", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{
						{`sum by (instance) (rate(limegrove_presence_commands_total[$__rate_interval]))`, "{{instance}}"},
						{`sum by (instance) (rate(limegrove_presence_failures_total[$__rate_interval]))`, "not answered {{instance}}"},
					},
				},
				{
					Title: "What waits for Redis", Kind: chart, Width: 8, Unit: "short",
					Queries: []Query{
						{`limegrove_presence_waiting`, "commands {{instance}}"},
						{`limegrove_routing_registrations_pending`, "registrations {{instance}}"},
					},
				},
				{
					Title: "Leases", Kind: chart, Width: 8, Unit: "s", Warn: 5, Bad: 9,
					Queries: []Query{
						{`limegrove_presence_lease_age_seconds`, "{{instance}}"},
						{`increase(limegrove_presence_leases_lost_total[$__rate_interval])`, "lost {{instance}}"},
					},
				},
			}},
		},
	}
}
