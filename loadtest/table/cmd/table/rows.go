package main

import (
	"fmt"
	"time"

	"limegrove/loadtest/measure"
	"limegrove/loadtest/scenario"
	"limegrove/loadtest/table"
)

// row is one command line, and what the table says of it.
type row struct {
	name  string // of its file
	title string
	args  string // of swarm
	floor string // how the floor is loaded besides, if by the same line: noFloor if it is not
	kind  *kind
}

// kind is rows with the same columns.
type kind struct {
	title   string
	columns []column
}

// column is what is said of each row.
type column struct {
	title string
	of    func(r *measure.Report) string
}

// number is the column of a figure.
func number(f table.Figure) column { return column{f.Name, f.Text} }

// The kinds of rows.
var (
	sessions = &kind{"Sessions that do nothing", []column{
		number(table.Established("established")),
		number(table.Opened("p99 of that", 0.99)),
		number(table.Opening("servers' CPU a session", table.Servers)),
		number(table.Memory("memory a session: edges", table.Edges)),
		number(table.Collected("collected", table.Edges)),
		number(table.Memory("broker, Redis, routers", table.Others)),
		number(table.Idle("idle CPU a session: edges", table.Edges)),
		number(table.Idle("others", table.Others)),
	}}
	messages = &kind{"Messages", []column{
		number(table.Delivered("delivered")),
		{"held", held},
		{"lost, twice, reordered", lost},
		number(table.Delay("p50", 0.5)),
		number(table.Delay("p99", 0.99)),
		number(table.Delay("p99.9", 0.999)),
		number(table.Each("servers' CPU each", table.Servers)),
		number(table.Each("edges'", table.Edges)),
		number(table.Each("load's", table.Load)),
		number(table.PerCPU("each CPU-second of edges", table.Edges)),
	}}
	attacks = &kind{"Attacks: what the others notice", []column{
		number(table.Delivered("delivered")),
		{"lost, twice, reordered", lost},
		{"p50 quiet, attacked", grown(ofPhases, func(g *measure.Growth) (quiet, disturbed time.Duration, ratio float64) {
			return g.Quiet.P50, g.Disturbed.P50, g.P50
		})},
		{"p99 quiet, attacked", grown(ofPhases, p99)},
		{"p99 of seconds", grown(ofSeconds, p99)},
		{"connections", attackOf(func(a *scenario.Attack) string { return fmt.Sprintf("%d, %d cut", a.Connected, a.Cut) })},
		{"sent", attackOf(func(a *scenario.Attack) string {
			return fmt.Sprintf("%d, %d answered, %d refused", a.Sent, a.Answered, a.Refused)
		})},
		{"cores of edges quiet, attacked", func(r *measure.Report) string {
			quiet, disturbed := r.Cores("edges")
			return fmt.Sprintf("%.2f, %.2f", quiet, disturbed)
		}},
	}}
)

// noFloor says that the floor cannot be loaded by a row's line.
const noFloor = "none"

// rows are all of the table, in its order.
var rows = []row{
	// The floor is one process, which has 20,000 descriptors.
	{"hold", "30,000 idle sessions, 15,000 an edge", "-scenario hold -sessions 30000 -settle 30s -duration 20s", "-sessions 15000", sessions},
	{"tls-hold", "10,000 idle sessions in TLS, 5,000 an edge", "-tls -scenario hold -sessions 10000 -settle 30s -duration 20s", noFloor, sessions},
	{"burst", "200 pairs, 16 in flight, 256 bytes", "-pairs 200 -window 16 -duration 15s", "", messages},
	{"four", "1,000 pairs, 4 in flight, 256 bytes", "-pairs 1000 -window 4 -duration 15s", "", messages},
	{"one", "2,000 pairs, one in flight, 256 bytes", "-pairs 2000 -duration 15s", "", messages},
	{"tls-burst", "200 pairs, 16 in flight, 256 bytes, in TLS", "-tls -pairs 200 -window 16 -duration 15s", noFloor, messages},
	{"long", "200 pairs, 16 in flight, 1,024 bytes", "-pairs 200 -window 16 -size 1024 -duration 15s", "", messages},
	{"compressed", "the same, compressed", "-compress -pairs 200 -window 16 -size 1024 -duration 15s", noFloor, messages},
	{"open-5000", "1,000 pairs both ways, 128 bytes, 5,000/s", "-pairs 1000 -both -size 128 -rate 5000 -duration 15s", "", messages},
	{"open-20000", "the same at 20,000/s", "-pairs 1000 -both -size 128 -rate 20000 -duration 15s", "", messages},
	{"open-40000", "the same at 40,000/s", "-pairs 1000 -both -size 128 -rate 40000 -duration 15s", "", messages},
	{"stored-2000", "the same, stored, at 2,000/s", "-pairs 1000 -both -size 128 -stored -rate 2000 -warmup 12s -duration 15s", noFloor, messages},
	{"stored-15000", "the same, stored, at 15,000/s", "-pairs 1000 -both -size 128 -stored -rate 15000 -warmup 12s -duration 15s", noFloor, messages},
	{"receipts-2000", "the same with receipts at 2,000/s", "-pairs 1000 -both -size 128 -receipts -rate 2000 -warmup 12s -duration 15s", noFloor, messages},
	{"room", "a room of 1,000, 128 bytes, 500/s: copies", "-scenario room -sessions 1000 -size 128 -rate 500 -duration 15s", "", messages},
	{"room-1000", "the same at 1,000/s: copies", "-scenario room -sessions 1000 -size 128 -rate 1000 -duration 15s", "", messages},
	{"room-long", "the same room, 1,024 bytes, 100/s: copies", "-scenario room -sessions 1000 -size 1024 -rate 100 -duration 15s", noFloor, messages},
	{"room-compressed", "the same room, compressed: copies", "-compress -scenario room -sessions 1000 -size 1024 -rate 100 -duration 15s", noFloor, messages},
	{"crowd", "1,000 pairs among 15,000 sessions, 128 bytes, 5,000/s", "-sessions 15000 -pairs 1000 -both -size 128 -rate 5000 -settle 10s -duration 15s", noFloor, messages},
	{"storm", "1,000/s while 5,000 of 15,000 sessions are cut and come back", "-scenario storm -edges 3 -sessions 15000 -pairs 1000 -size 128 -rate 1000 -duration 20s", noFloor, messages},

	{"half", "5,000 that send half a frame or request", "-scenario half -pairs 200 -rate 2000 -duration 240s -disturbances 2", noFloor, attacks},
	{"slow", "1,000 that do not read", "-scenario slow -pairs 200 -rate 2000 -duration 240s -disturbances 2", noFloor, attacks},
	{"flood", "one session's messages", "-scenario flood -pairs 200 -rate 2000 -duration 240s -disturbances 2", noFloor, attacks},
	{"commands", "one session's commands", "-scenario commands -pairs 200 -rate 2000 -duration 240s -disturbances 2", noFloor, attacks},
	{"connect", "one address that connects", "-scenario connect -pairs 200 -rate 2000 -duration 60s", noFloor, attacks},
}
