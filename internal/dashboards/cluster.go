package dashboards

// cluster is what is looked at first: is it up, do clients get in, do messages get through, and if not, where.
func cluster() Board {
	return Board{
		UID: "limegrove-cluster", Title: "Limegrove / Cluster",
		Text: "Begin here. What is red on top has a runbook in docs/operations.md.",
		Rows: []Row{
			{"Is anything wrong?", []Panel{
				{
					Title: "Processes that do not answer", Text: "Edges and routers that Prometheus cannot scrape.", Kind: stat, Width: 4, Unit: "short", Bad: 1,
					Queries: []Query{{`count(up{job=~".*limegrove.*"}) - sum(up{job=~".*limegrove.*"})`, ""}},
				},
				{
					Title: "Sessions", Text: "Established sessions of all edges.", Kind: stat, Width: 4, Unit: "short",
					Queries: []Query{{`sum(limegrove_edge_sessions)`, ""}},
				},
				{
					Title: "Accepted, p99", Text: "How long one sender in a hundred waits until a message is stored.", Kind: stat, Width: 4, Unit: "s", Warn: 0.25, Bad: 1,
					Queries: []Query{{`histogram_quantile(0.99, sum by (le) (rate(limegrove_routing_delivery_seconds_bucket{stage="accept"}[$__rate_interval])))`, ""}},
				},
				{
					Title: "Logins that fail", Text: "Which nobody could check, of all: no router, or too few.", Kind: stat, Width: 4, Unit: "percentunit", Warn: 0.01, Bad: 0.05,
					Queries: []Query{{`sum(rate(limegrove_edge_logins_total{result=~"busy|error"}[$__rate_interval])) / (sum(rate(limegrove_edge_logins_total[$__rate_interval])) > 0) or vector(0)`, ""}},
				},
				{
					Title: "Oldest lease", Text: "An edge whose lease is older than nine seconds counts as dead.", Kind: stat, Width: 4, Unit: "s", Warn: 5, Bad: 9,
					Queries: []Query{{`max(limegrove_presence_lease_age_seconds)`, ""}},
				},
				{
					Title: "Connected to NATS", Text: "The part of all connections to NATS that are there.", Kind: stat, Width: 4, Unit: "percentunit", Warn: 1, Bad: 0.5, Below: true,
					Queries: []Query{{`avg(limegrove_nats_connected)`, ""}},
				},
			}},
			{"Clients", []Panel{
				{
					Title: "Sessions by edge", Kind: chart, Width: 8, Unit: "short", Stack: true,
					Queries: []Query{{`limegrove_edge_sessions`, "{{instance}}"}},
				},
				{
					Title: "Connections by state", Text: "How far sessions are. Many that authenticate wait for routers; many that settle are told to go.", Kind: chart, Width: 8, Unit: "short",
					Queries: []Query{{`sum by (state) (limegrove_edge_session_states)`, "{{state}}"}},
				},
				{
					Title: "Sessions by dialect", Kind: chart, Width: 8, Unit: "short",
					Queries: []Query{{`sum by (dialect) (limegrove_edge_session_states{state=~"established|settling"})`, "{{dialect}}"}},
				},
				{
					Title: "Sessions that begin, or fail to", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{
						{`sum(rate(limegrove_edge_establishments_total{result="established"}[$__rate_interval]))`, "established"},
						{`sum by (reason) (rate(limegrove_edge_establishments_total{result="failed"}[$__rate_interval]))`, "failed: {{reason}}"},
						{`sum by (reason) (rate(limegrove_edge_rejections_total[$__rate_interval]))`, "rejected: {{reason}}"},
					},
				},
				{
					Title: "Logins by result", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{{`sum by (scheme, result) (rate(limegrove_edge_logins_total[$__rate_interval]))`, "{{scheme}} {{result}}"}},
				},
				{
					Title: "Time to establish", Text: "From the upgrade to the established session.", Kind: chart, Width: 8, Unit: "s", Warn: 1,
					Queries: []Query{
						{`histogram_quantile(0.5, sum by (le) (rate(limegrove_edge_establish_seconds_bucket[$__rate_interval])))`, "p50"},
						{`histogram_quantile(0.99, sum by (le) (rate(limegrove_edge_establish_seconds_bucket[$__rate_interval])))`, "p99"},
					},
				},
			}},
			{"Traffic", []Panel{
				{
					Title: "Envelopes", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{
						{`sum by (direction, kind) (rate(limegrove_edge_envelopes_total{kind!="unknown"}[$__rate_interval]))`, "{{direction}} {{kind}}"},
						{`sum(rate(limegrove_rooms_heard_total[$__rate_interval]))`, "heard in rooms"},
					},
				},
				{
					Title: "Bytes of sockets", Kind: chart, Width: 8, Unit: "Bps",
					Queries: []Query{
						{`sum(rate(limegrove_poll_read_bytes_total[$__rate_interval]))`, "read"},
						{`sum(rate(limegrove_poll_written_bytes_total[$__rate_interval]))`, "written"},
					},
				},
				{
					Title: "Drops by reason", Text: "Where nobody is there (no_recipient) is no trouble; see docs/metrics.md for each.", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{{`sum by (part, reason) (limegrove:dropped:rate5m) > 0 or sum(limegrove:dropped:rate5m)`, "{{part}} {{reason}}"}},
				},
			}},
			{"Members", []Panel{
				{
					Title: "Members by gossip", Text: "As each process knows them: lines that part are a cluster that is cut.", Kind: chart, Width: 8, Unit: "short",
					Queries: []Query{{`sum by (instance, role) (limegrove_cluster_members)`, "{{instance}}: {{role}}"}},
				},
				{
					Title: "Busiest loops", Text: "The part of the time in which a loop works.", Kind: chart, Width: 8, Unit: "percentunit", Warn: 0.7, Bad: 0.85,
					Queries: []Query{{`topk(10, rate(limegrove_poll_busy_seconds_total[$__rate_interval]))`, "{{instance}} loop {{loop}}"}},
				},
				{
					Title: "Processors", Text: "That processes use.", Kind: chart, Width: 8, Unit: "short",
					Queries: []Query{{`rate(process_cpu_seconds_total[$__rate_interval]) * on (instance) group_left (role) limegrove_build_info`, "{{role}} {{instance}}"}},
				},
				{
					Title: "Memory", Kind: chart, Width: 8, Unit: "bytes",
					Queries: []Query{{`process_resident_memory_bytes * on (instance) group_left (role) limegrove_build_info`, "{{role}} {{instance}}"}},
				},
				{
					Title: "Drain and rebalance", Kind: chart, Width: 8, Unit: "short",
					Queries: []Query{
						{`limegrove_edge_settling`, "{{instance}}: told to go"},
						{`limegrove_edge_surplus`, "{{instance}}: too many"},
						{`sum(limegrove_cluster_draining{role="edge"}) / count(limegrove_cluster_draining{role="edge"})`, "edges that drain"},
					},
				},
				{
					Title: "Versions", Kind: bars, Width: 8, Unit: "short",
					Queries: []Query{{`count by (role, version) (limegrove_build_info)`, "{{role}} {{version}}"}},
				},
			}},
		},
	}
}
