package dashboards

// edge is one of them, from its clients down to its process.
func edge() Board {
	return Board{
		UID: "limegrove-edge", Title: "Limegrove / One edge", Instance: "limegrove_edge_sessions",
		Text: "What one edge does, and where it waits.",
		Rows: []Row{
			{"Is anything wrong?", []Panel{
				{
					Title: "Sessions", Kind: stat, Width: 4, Unit: "short",
					Queries: []Query{{`limegrove_edge_sessions{instance=~"$instance"}`, ""}},
				},
				{
					Title: "Of its limit", Text: "Connections, of those that it takes; 0 without a limit.", Kind: stat, Width: 4, Unit: "percentunit", Warn: 0.8, Bad: 0.95,
					Queries: []Query{{`limegrove_edge_connections{instance=~"$instance"} / (limegrove_edge_sessions_limit{instance=~"$instance"} > 0) or 0 * limegrove_edge_connections{instance=~"$instance"}`, ""}},
				},
				{
					Title: "Lag", Text: "How long the slowest loop takes to come to something new.", Kind: stat, Width: 4, Unit: "s", Warn: 0.25, Bad: 1,
					Queries: []Query{{`limegrove_edge_lag_seconds{instance=~"$instance"}`, ""}},
				},
				{
					Title: "Refuses new clients", Kind: stat, Width: 4, Unit: "short", Bad: 1,
					Queries: []Query{{`limegrove_edge_overloaded{instance=~"$instance"}`, ""}},
				},
				{
					Title: "Lease", Text: "For how long it has not been renewed.", Kind: stat, Width: 4, Unit: "s", Warn: 5, Bad: 9,
					Queries: []Query{{`limegrove_presence_lease_age_seconds{instance=~"$instance"}`, ""}},
				},
				{
					Title: "Drains since", Kind: stat, Width: 4, Unit: "s", Warn: 1,
					Queries: []Query{{`limegrove_edge_drain_age_seconds{instance=~"$instance"}`, ""}},
				},
			}},
			{"Loops and sockets", []Panel{
				{
					Title: "Loop utilisation", Kind: chart, Width: 8, Unit: "percentunit", Warn: 0.7, Bad: 0.85,
					Queries: []Query{{`rate(limegrove_poll_busy_seconds_total{instance=~"$instance"}[$__rate_interval])`, "loop {{loop}}"}},
				},
				{
					Title: "Bytes that wait", Text: "For clients to take them, and of what clients have half sent.", Kind: chart, Width: 8, Unit: "bytes",
					Queries: []Query{
						{`limegrove_poll_queued_bytes{instance=~"$instance"}`, "for clients"},
						{`limegrove_poll_held_bytes{instance=~"$instance"}`, "half sent"},
						{`limegrove_routing_outbox_bytes{instance=~"$instance"}`, "on the way into the log"},
						{`limegrove_nats_buffered_bytes{instance=~"$instance"}`, "for NATS ({{connection}})"},
					},
				},
				{
					Title: "Envelopes", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{{`rate(limegrove_edge_envelopes_total{instance=~"$instance",kind!="unknown"}[$__rate_interval])`, "{{direction}} {{kind}}"}},
				},
				{
					Title: "Bytes of envelopes", Kind: chart, Width: 8, Unit: "Bps",
					Queries: []Query{{`rate(limegrove_edge_envelope_bytes_total{instance=~"$instance",kind!="unknown"}[$__rate_interval])`, "{{direction}} {{kind}}"}},
				},
				{
					Title: "What waits for a worker", Kind: chart, Width: 8, Unit: "short",
					Queries: []Query{
						{`limegrove_edge_waiting{instance=~"$instance"}`, "{{queue}}"},
						{`limegrove_routing_inbound{instance=~"$instance"}`, "from NATS"},
						{`limegrove_routing_readers_waiting{instance=~"$instance"}`, "to be read for"},
						{`limegrove_routing_registrations_pending{instance=~"$instance"}`, "to be registered"},
						{`limegrove_routing_presence_pending{instance=~"$instance"}`, "presence to be told"},
						{`limegrove_edge_deferred{instance=~"$instance"}`, "connections in turn"},
					},
				},
				{
					Title: "Drops and cuts", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{
						{`sum by (reason) (rate(limegrove_edge_dropped_total{instance=~"$instance"}[$__rate_interval]))`, "of clients: {{reason}}"},
						{`sum by (reason) (rate(limegrove_routing_dropped_total{instance=~"$instance"}[$__rate_interval])) > 0`, "routing: {{reason}}"},
						{`rate(limegrove_edge_stalls_total{instance=~"$instance"}[$__rate_interval])`, "stalled"},
						{`rate(limegrove_poll_evicted_total{instance=~"$instance"}[$__rate_interval])`, "evicted"},
					},
				},
			}},
			{"Sessions", []Panel{
				{
					Title: "Connections by dialect and state", Kind: chart, Width: 8, Unit: "short",
					Queries: []Query{{`limegrove_edge_session_states{instance=~"$instance"}`, "{{dialect}} {{state}}"}},
				},
				{
					Title: "Begin, fail, are turned away", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{
						{`rate(limegrove_edge_establishments_total{instance=~"$instance"}[$__rate_interval])`, "{{result}} {{reason}}"},
						{`rate(limegrove_edge_rejections_total{instance=~"$instance"}[$__rate_interval]) > 0`, "rejected: {{reason}}"},
					},
				},
				{
					Title: "Login time, p99", Kind: chart, Width: 8, Unit: "s", Warn: 1,
					Queries: []Query{{`histogram_quantile(0.99, sum by (scheme, le) (rate(limegrove_edge_login_seconds_bucket{instance=~"$instance"}[$__rate_interval])))`, "{{scheme}}"}},
				},
				{
					Title: "Drain and rebalance", Kind: chart, Width: 8, Unit: "short",
					Queries: []Query{
						{`limegrove_edge_settling{instance=~"$instance"}`, "told to go"},
						{`limegrove_edge_surplus{instance=~"$instance"}`, "too many"},
						{`increase(limegrove_edge_drained_total{instance=~"$instance"}[$__rate_interval])`, "drained"},
						{`increase(limegrove_edge_rebalanced_total{instance=~"$instance"}[$__rate_interval])`, "rebalanced"},
						{`increase(limegrove_edge_unsettled_total{instance=~"$instance"}[$__rate_interval])`, "cut short"},
					},
				},
				{
					Title: "Closes by code", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{{`rate(limegrove_edge_closes_total{instance=~"$instance"}[$__rate_interval])`, "{{code}}"}},
				},
				{
					Title: "Memory of the process", Kind: chart, Width: 8, Unit: "bytes",
					Queries: []Query{
						{`process_resident_memory_bytes{instance=~"$instance"}`, "resident"},
						{`go_memstats_heap_inuse_bytes{instance=~"$instance"}`, "heap"},
						{`go_memstats_stack_inuse_bytes{instance=~"$instance"}`, "stacks"},
					},
				},
			}},
		},
	}
}
