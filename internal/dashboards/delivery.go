package dashboards

// quantiles are the p50 and p99 of a stage.
func quantiles(stage string) []Query {
	of := `sum by (le) (rate(limegrove_routing_delivery_seconds_bucket{stage="` + stage + `"}[$__rate_interval]))`
	return []Query{{`histogram_quantile(0.5, ` + of + `)`, "p50"}, {`histogram_quantile(0.99, ` + of + `)`, "p99"}}
}

// delivery is the way of messages: live, into the log, to who is there, and what waits.
func delivery() Board {
	return Board{
		UID: "limegrove-delivery", Title: "Limegrove / Delivery",
		Text: "Stored messages on their way: accepted, stored, delivered, acknowledged; what waits in the log and in inboxes, and what is dropped.",
		Rows: []Row{
			{"Is anything wrong?", []Panel{
				{
					Title: "Accepted, p99", Kind: stat, Width: 4, Unit: "s", Warn: 0.25, Bad: 1,
					Queries: []Query{{`histogram_quantile(0.99, sum by (le) (rate(limegrove_routing_delivery_seconds_bucket{stage="accept"}[$__rate_interval])))`, ""}},
				},
				{
					Title: "Delivered, p99", Kind: stat, Width: 4, Unit: "s", Warn: 0.25, Bad: 1,
					Queries: []Query{{`histogram_quantile(0.99, sum by (le) (rate(limegrove_routing_delivery_seconds_bucket{stage="deliver"}[$__rate_interval])))`, ""}},
				},
				{
					Title: "Not stored in time", Text: "Messages whose senders were told that they failed, a second.", Kind: stat, Width: 4, Unit: "ops", Bad: 0.001,
					Queries: []Query{{`sum(rate(limegrove_routing_dropped_total{reason=~"not_stored|outbox_full|overtaken"}[$__rate_interval]))`, ""}},
				},
				{
					Title: "Sweep is late by", Kind: stat, Width: 4, Unit: "s", Warn: 15, Bad: 60,
					Queries: []Query{{`max(limegrove_sweep_age_seconds)`, ""}},
				},
				{
					Title: "Partitions that nobody sweeps", Kind: stat, Width: 4, Unit: "short", Bad: 1,
					Queries: []Query{{`max(limegrove_stream_partitions) - (sum(limegrove_sweep_partitions) or vector(0))`, ""}},
				},
				{
					Title: "Outbox", Text: "What the fullest edge keeps for the log, of what it may.", Kind: stat, Width: 4, Unit: "percentunit", Warn: 0.25, Bad: 0.5,
					Queries: []Query{{`max(limegrove_routing_outbox_bytes / limegrove_routing_outbox_limit_bytes)`, ""}},
				},
			}},
			{"How long it takes (one message in eight is timed)", []Panel{
				{Title: "Accept", Text: "From a message's arrival until its sender was told that it is accepted.", Kind: chart, Width: 6, Unit: "s", Queries: quantiles("accept")},
				{Title: "Store", Text: "The part of it in JetStream.", Kind: chart, Width: 6, Unit: "s", Queries: quantiles("store")},
				{Title: "Deliver", Text: "From the log until the recipient's session has it, for who is there. By the clocks of two machines.", Kind: chart, Width: 6, Unit: "s", Queries: quantiles("deliver")},
				{Title: "Acknowledge", Text: "From then until the client has acknowledged it: networks and clients.", Kind: chart, Width: 6, Unit: "s", Queries: quantiles("acknowledge")},
			}},
			{"How much", []Panel{
				{
					Title: "Messages", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{
						{`sum(rate(limegrove_routing_stored_total[$__rate_interval]))`, "stored"},
						{`sum(rate(limegrove_routing_acknowledged_total[$__rate_interval]))`, "acknowledged"},
						{`sum(rate(limegrove_routing_published_total[$__rate_interval]))`, "transient"},
						{`sum(rate(limegrove_routing_short_cuts_total[$__rate_interval]))`, "without the broker"},
						{`sum(rate(limegrove_routing_delivered_total[$__rate_interval]))`, "handed to sessions"},
					},
				},
				{
					Title: "Unacknowledged", Text: "Messages in windows; and how often one was full.", Kind: chart, Width: 8, Unit: "short",
					Queries: []Query{
						{`sum by (instance) (limegrove_routing_unacknowledged)`, "{{instance}}"},
						{`sum(increase(limegrove_routing_windows_full_total[$__rate_interval]))`, "windows full"},
					},
				},
				{
					Title: "Drops by reason", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{{`sum by (reason) (rate(limegrove_routing_dropped_total[$__rate_interval]))`, "{{reason}}"}},
				},
			}},
			{"Log and inboxes", []Panel{
				{
					Title: "Sweep", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{
						{`sum(rate(limegrove_sweep_messages_total[$__rate_interval]))`, "came by"},
						{`sum(rate(limegrove_sweep_moved_total[$__rate_interval]))`, "moved to inboxes"},
						{`sum by (reason) (rate(limegrove_sweep_given_back_total[$__rate_interval]))`, "given back: {{reason}}"},
						{`sum(rate(limegrove_stream_purged_total[$__rate_interval]))`, "purged"},
					},
				},
				{
					Title: "Gaps and reads", Text: "Copies that did not come, and what was read for sessions.", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{
						{`sum(rate(limegrove_routing_gaps_total[$__rate_interval]))`, "gaps"},
						{`sum(rate(limegrove_routing_pages_total[$__rate_interval]))`, "pages read"},
						{`sum(rate(limegrove_routing_read_messages_total[$__rate_interval]))`, "messages read"},
						{`sum(rate(limegrove_routing_inbox_removed_total[$__rate_interval]))`, "removed from inboxes"},
					},
				},
				{
					Title: "Reads by what and result", Kind: chart, Width: 8, Unit: "ops",
					Queries: []Query{{`sum by (what, result) (rate(limegrove_stream_reads_total[$__rate_interval]))`, "{{what}} {{result}}"}},
				},
			}},
			{"Groups, rooms, presence, events", []Panel{
				{
					Title: "Groups", Kind: chart, Width: 6, Unit: "ops",
					Queries: []Query{
						{`sum by (kind) (rate(limegrove_group_messages_total[$__rate_interval]))`, "messages, {{kind}}"},
						{`sum by (kind) (rate(limegrove_group_copies_total[$__rate_interval]))`, "copies, {{kind}}"},
					},
				},
				{
					Title: "Rooms", Kind: chart, Width: 6, Unit: "ops",
					Queries: []Query{
						{`sum(rate(limegrove_rooms_published_total[$__rate_interval]))`, "published"},
						{`sum(rate(limegrove_rooms_heard_total[$__rate_interval]))`, "heard"},
						{`sum by (reason) (rate(limegrove_rooms_dropped_total[$__rate_interval]))`, "dropped: {{reason}}"},
					},
				},
				{
					Title: "Presence that is told, p99", Kind: chart, Width: 6, Unit: "s",
					Queries: []Query{{`histogram_quantile(0.99, sum by (le) (rate(limegrove_herald_seconds_bucket[$__rate_interval])))`, "p99"}},
				},
				{
					Title: "Endpoints are behind by", Text: "Of the platform's endpoints, when there are any.", Kind: chart, Width: 6, Unit: "s",
					Queries: []Query{{`max by (endpoint) (limegrove_webhook_oldest_seconds)`, "{{endpoint}}"}},
				},
			}},
		},
	}
}
