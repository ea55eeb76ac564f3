package arch

// everything, in place of names, allows all of ours, or all folders.
const everything = "*"

// folder is one row of the table. It covers the packages in and under its
// path, but for those that have a row of their own. They may import each other.
type folder struct {
	path string
	ours []string // the rows that it may import
	std  bool     // no library from outside either
}

// folders has a row for every folder with Go code.
var folders = []folder{
	{path: "lime", std: true},
	// Beside the server, not a part of it.
	{path: "lime/client", ours: []string{"lime", "lime/client/spool"}},
	// What a client's store is, lime/client declares; its tests are the spool's users, and its example a client's.
	{path: "lime/client/spool", ours: []string{"lime", "lime/client", "internal/filelock"}, std: true},
	{path: "lime/client/files", ours: []string{"lime", "internal/filelock"}, std: true},
	// What a platform is told: words alone.
	{path: "event", ours: []string{"lime"}, std: true},
	{path: "cluster", ours: []string{"lime", "internal/complaint"}},
	{path: "presence", ours: []string{"lime"}},
	// Envelopes and what others make of them: it knows neither.
	{path: "prepared", std: true},
	// A client of presence: it has no use for another store of registrations.
	{path: "routing", ours: []string{"lime", "presence", "room", "event", "prepared", "tracing", "internal/complaint", "internal/nowait"}},
	// Envelopes' metadata, and records of steps: how these leave is a part of its own.
	{path: "tracing", ours: []string{"lime", "internal/complaint"}},
	{path: "tracing/otlp", ours: []string{"lime", "tracing", "internal/outcall"}},
	// Declares what it needs of routing, presence and auth.
	{path: "edge", ours: []string{"lime", "room", "prepared", "edge/poll", "edge/auth", "edge/dialect", "tracing", "internal/complaint"}},
	// Sockets and bytes; it knows no protocol.
	{path: "edge/poll", ours: []string{"internal/nowait", "internal/complaint"}},
	// What clients say in other protocols, and envelopes for it: bytes alone.
	{path: "edge/dialect", ours: []string{"lime", "room"}},
	{path: "edge/auth", ours: []string{"lime", "room", "internal/recent", "internal/outcall", "internal/signature"}},
	{path: "edge/ticket", std: true},
	// Files and the words of HTTP; who serves them is cmd's to say.
	{path: "web", std: true},
	// A platform's own API, as HTTP alone.
	{path: "edge/backing", ours: []string{"internal/outcall", "internal/complaint"}},
	// What a trigger is, the dialect knows.
	{path: "trigger", ours: []string{"lime", "room", "edge/dialect", "internal/complaint"}},
	{path: "document", ours: []string{"lime"}},
	{path: "delegation", ours: []string{"lime", "document"}},
	{path: "grant", ours: []string{"lime", "document", "room"}},
	{path: "connector", ours: []string{"lime", "document", "internal/complaint"}},
	// An authority, and what the cluster knows of its certificates; who may ask for one is not its to say.
	{path: "certs", ours: []string{"lime", "document", "internal/complaint"}},
	// What edges and routers keep of files; of HTTP its transfer alone knows.
	{path: "files", ours: []string{"lime", "document"}},
	{path: "files/transfer", ours: []string{"lime", "files", "internal/complaint"}},
	{path: "account", ours: []string{"lime", "document", "internal/recent"}},
	{path: "roster", ours: []string{"lime", "document"}},
	// A client of presence. Who knows whom it is told.
	{path: "herald", ours: []string{"lime", "presence"}},
	// Names and matching alone.
	{path: "room", ours: []string{"lime"}},
	{path: "group", ours: []string{"lime", "document"}},
	// Declares what it needs of account, and is plainly a client of group: who may do what
	// is told in its words.
	{path: "resource", ours: []string{"lime", "group", "room", "internal/complaint"}},
	// A client of routing/events.
	{path: "webhook", ours: []string{"lime", "event", "presence", "routing", "internal/signature", "internal/complaint"}},
	// Wires what a router is made of, for both commands.
	{path: "router", ours: []string{"lime", "event", "presence", "routing", "certs", "edge/auth", "account", "delegation", "grant", "roster", "herald", "group", "document", "files", "room", "resource", "internal/complaint"}},
	// HTTP alone: it declares what it needs of all that does the work.
	{path: "api", ours: []string{"lime", "room", "internal/complaint"}},
	{path: "api/store", ours: []string{"api", "document", "internal/complaint"}},
	{path: "internal", ours: []string{"internal/module", "internal/childtest", "internal/command"}},
	{path: "internal/command", std: true},
	{path: "internal/childtest", std: true},
	{path: "internal/jobcontrol"},
	{path: "internal/filelock", std: true},
	{path: "internal/recent", std: true},
	{path: "internal/signature", std: true},
	{path: "internal/version", std: true},
	{path: "internal/complaint"},
	{path: "internal/nowait"},
	{path: "internal/outcall"},
	{path: "internal/module", std: true},
	{path: "internal/redistest", ours: []string{"internal/jobcontrol", "internal/childtest"}},
	// What a stranger would write.
	{path: "examples", ours: []string{"lime", "lime/client"}},
	{path: "cmd", ours: []string{everything}},
	{path: "e2e", ours: []string{everything}},
	// Asks a router as an edge does.
	{path: "e2e/load", ours: []string{everything}},
	{path: "e2e/programs", std: true},
	// Any server can be put under its load: it has the edge's loop for its clients, and no more of
	// ours.
	{path: "loadtest", ours: []string{"edge/poll", "e2e/programs", "internal/command"}},
	// Measures the scan of headers beside other servers.
	{path: "loadtest/compare", ours: []string{"lime", "loadtest", "internal/command"}},
	// An experiment with subscriptions: edges that have nothing else.
	{path: "loadtest/trade", ours: []string{"e2e/programs", "loadtest", "routing"}},
	// The driver of faults finds out who leads a stream; its clients are lean, and misbehave
	// as lime/client would not, which makes their accounts.
	{path: "e2e/fault", ours: []string{"lime", "lime/client", "internal/jobcontrol", "internal/command", "e2e/programs", "e2e/fault/history", "e2e/fault/checker"}},
	// The checker knows histories alone, so that it cannot believe what it checks.
	{path: "e2e/fault/history", std: true},
	{path: "e2e/fault/checker", ours: []string{"e2e/fault/history"}, std: true},
	{path: "e2e/fault/cmd/check", ours: []string{"internal/command", "e2e/fault/history", "e2e/fault/checker"}, std: true},
}

// library is a module from outside and the rows that may import it.
type library struct {
	path string
	rows []string
}

// libraries has every module that we import; those of tests alone need no row.
var libraries = []library{
	{"github.com/sirupsen/logrus", []string{everything}},
	{"github.com/prometheus/client_golang", []string{everything}},
	{"github.com/nats-io/nats.go", []string{"routing", "account", "delegation", "grant", "connector", "group", "roster", "document", "files", "certs", "router", "trigger", "api/store", "internal", "cmd", "e2e/fault", "e2e/load", "loadtest/trade"}},
	{"github.com/redis/go-redis/v9", []string{"presence"}},
	{"github.com/hashicorp/memberlist", []string{"cluster"}},
	{"github.com/gobwas/ws", []string{"edge", "lime/client", "e2e/fault", "loadtest"}},
	{"golang.org/x/sys", []string{"edge/poll", "internal", "internal/jobcontrol", "internal/nowait", "loadtest"}},
	{"github.com/HdrHistogram/hdrhistogram-go", []string{"loadtest"}},
	// The form of headers, in which gobwas/ws tells what a client offers.
	{"github.com/gobwas/httphead", []string{"edge"}},
	// Compresses and inflates at twice the speed of the standard library.
	{"github.com/klauspost/compress", []string{"edge", "loadtest"}},
	// Reads many documents in one round trip, which nats.go cannot.
	{"github.com/synadia-io/orbit.go/jetstreamext", []string{"document"}},
	// Reads a command line of many commands, and helps with it; asks for passwords.
	{"github.com/spf13/cobra", []string{"cmd"}},
	{"golang.org/x/term", []string{"cmd"}},
	// Draws on a terminal, cell by cell, and tells how many cells a text takes there.
	{"github.com/gdamore/tcell/v3", []string{"cmd"}},
	{"github.com/clipperhouse/displaywidth", []string{"cmd", "e2e"}},
	// Shows how far long work is.
	{"github.com/schollz/progressbar/v3", []string{"cmd"}},
	{"golang.org/x/sync", []string{"cmd"}},
	// Bounds the connections of a listener.
	{"golang.org/x/net", []string{"files/transfer"}},
	{"golang.org/x/time", []string{"api", "certs", "connector", "internal", "tracing"}},
	{"go.opentelemetry.io/proto/slim/otlp", []string{"tracing/otlp"}},
	{"google.golang.org/protobuf", []string{"tracing/otlp"}},
	{"github.com/go-jose/go-jose/v4", []string{"edge/auth", "files"}},
	{"github.com/rabbitmq/amqp091-go", []string{"trigger", "internal"}},
	{"github.com/sony/gobreaker/v2", []string{"internal/outcall"}},
	{"gopkg.in/yaml.v2", []string{"internal"}},
	{"github.com/alexedwards/argon2id", []string{"account"}},
	{"github.com/peterbourgon/ff/v3", []string{"internal"}},
	{"go.uber.org/goleak", []string{"internal"}},
	// Reads results of benchmarks.
	{"golang.org/x/perf", []string{"internal"}},
	// The servers of the one-process mode.
	{"github.com/nats-io/nats-server/v2", []string{"internal"}},
	{"github.com/alicebob/miniredis/v2", []string{"internal"}},
}
