// Package logfield has the list of the fields that lines of the log may have. A test holds all calls of loggers, and the
// page of operations, to it.
//
// It is a list and no set of constants: whoever logs writes the name, and reads at its place what the line will have.
package logfield

import (
	"fmt"
	"strings"
)

// Field is a name and what a line has under it.
type Field struct{ Name, Has string }

// Fields are all of them, by name. They are not changed.
var Fields = []Field{
	{"address", "host and port where this process listens, or that it has tried to reach"},
	{"bytes", "how long something is, or how many bytes there are"},
	{"cause", "why a process drains: the signal, the status page, or what has failed"},
	{"changed", "flags that have another value than before"},
	{"changes", "how many changes of sessions are meant"},
	{"connections", "how many clients are connected"},
	{"during", "for how long something is to be so; 0 for until it is taken back"},
	{"edge", "the incarnation of another edge"},
	{"endpoint", "the name of an endpoint in the file of `-webhooks`"},
	{"error", "what has failed, and why; also in place of an error what there is of it"},
	{"events", "how many events are meant"},
	{"exchange", "the exchange of the message queue"},
	{"first", "the first position that is meant"},
	{"flags", "flags that a warning is about"},
	{"folder", "the folder of the embedded stores, or of `-authority`"},
	{"identity", "an identity, `name@domain`"},
	{"incarnation", "this run of this process"},
	{"join", "what of `-join` is meant"},
	{"lag", "how late a loop comes to something new"},
	{"mean", "the mean number of sessions of an edge"},
	{"member", "the incarnation of a member that something is asked of on the status page, or that was asked for it"},
	{"messages", "how many messages are meant"},
	{"moved", "how many sessions were told to go"},
	{"moving", "whether sessions are being told to go"},
	{"node", "a session's address, `name@domain/instance`"},
	{"operation", "what of the HTTP API or on the status page was asked for"},
	{"others", "how often the same has happened since it was logged last: a line that clients can bring about is logged once in 10 s"},
	{"partition", "the number of a partition"},
	{"path", "the resource that a command is about, as it is registered"},
	{"peer", "a node, an identity or a domain that edges ignore, or not any more"},
	{"peers", "how many peers are ignored"},
	{"registrations", "how many registrations are meant"},
	{"remote", "address and port of a client"},
	{"restart", "flags that need a restart to change"},
	{"serial", "the serial number of a certificate, in hexadecimal digits"},
	{"server", "the NATS server that a process is connected to"},
	{"sessions", "how many sessions there are"},
	{"source", "how a trigger has come"},
	{"stack", "where the program was when it failed"},
	{"status", "the HTTP status of an answer"},
	{"stopped", "whether something that was to be so for a time is to be so no longer"},
	{"stream", "the name of a stream in JetStream"},
	{"subject", "a subject of NATS"},
	{"through", "the last position that is meant"},
	{"took", "how long something has taken, in nanoseconds as JSON"},
	{"unacknowledged", "positions of messages that wait"},
	{"until", "when what was said for a time is over"},
	{"version", "the version of this program"},
	{"was", "the level of the log before"},
	{"will", "the level of the log from now on"},
}

// Table is the table of all fields for the page of operations.
func Table() string {
	var b strings.Builder
	b.WriteString("| field | what it has |\n|---|---|\n")
	for _, f := range Fields {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Name, f.Has)
	}
	return b.String()
}
