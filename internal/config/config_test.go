package config

import (
	"encoding/base64"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

// env is an environment for tests.
type env map[string]string

func (e env) get(name string) string { return e[name] }

// yamlFile writes a file for -config.
func yamlFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edge.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustParseEdge(t *testing.T, e env, args ...string) Edge {
	t.Helper()
	edge, err := ParseEdge(args, e.get, io.Discard)
	if err != nil {
		t.Fatalf("edge %q: %v", args, err)
	}
	return edge
}

func TestEncryptionOverTCP(t *testing.T) {
	certificate := []string{"-tls-cert", "c.pem", "-tls-key", "k.pem"}
	for _, row := range []struct {
		args []string
		want []Encryption
	}{
		{nil, []Encryption{EncryptionNone}},
		{certificate, []Encryption{EncryptionTLS}},
		{append(certificate, "-tcp-encryption", "tls,none"), []Encryption{EncryptionTLS, EncryptionNone}},
		{append(certificate, "-tcp-encryption", "none"), []Encryption{EncryptionNone}},
	} {
		if got := mustParseEdge(t, nil, append(row.args, "-tcp", ":55321")...); !slices.Equal(got.TCPEncryption, row.want) || got.TCP != ":55321" {
			t.Errorf("%q: %q at %q, not %q", row.args, got.TCPEncryption, got.TCP, row.want)
		}
	}
}

func TestEdgeNeedsNoArguments(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatalf("this machine has no name: %v", err)
	}
	got := mustParseEdge(t, nil)
	want := Edge{
		Shared: Shared{
			Replicas: 1, DuplicateWindow: 20 * time.Second, MessageLifetime: 168 * time.Hour, InboxLimit: 10000, MaxContacts: 5000,
			EventsAge: 72 * time.Hour, EventsBytes: 64 << 20, GroupMembers: 5000, GroupsPerIdentity: 1000,
			RoomMessages: 10_000, RoomAge: 24 * time.Hour,
			Files: Files{Size: 1 << 30, Quota: 10 << 30, Number: 1000, Lifetime: 168 * time.Hour, Transfers: 32, IdleTimeout: 30 * time.Second},
			Logins: Logins{
				PasswordMemory: 15 * time.Minute,
				WebhookSchemes: []Scheme{SchemeExternal}, WebhookTimeout: 1500 * time.Millisecond, WebhookRequests: 64,
			},
			HighTemplarRooms:    HighTemplarRooms{Rooms: "localhost", Wildcards: WildcardsExact},
			HighTemplarTriggers: HighTemplarTriggers{Exchange: "hightemplar"},
			Domains:             []string{"localhost"}, ID: host, Gossip: "127.0.0.1:7946", Admin: "127.0.0.1:8090",
			Authority: Authority{Lifetime: 2160 * time.Hour, FirstRate: 20, Names: 100_000},
			Tracing:   Tracing{Rate: 100}, LogLevel: logrus.InfoLevel, LogFormat: LogText,
		},
		Listen: ":8080", Pages: true, TCPEncryption: []Encryption{EncryptionNone}, Auth: []Scheme{SchemeGuest, SchemePlain}, Data: "./limegrove-data", RunRouter: true,
		MaxEnvelope: 524288, MaxRate: 1000, MaxBytesRate: 4194304, MaxSessionsPerIdentity: 100,
		MaxRooms: 100, API: API{Rate: 100}, Bachata: Bachata{Mode: ChannelQueue, Auth: ChannelToken}, HighTemplar: noTemplar, AioConnectors: AioConnectors{MaxTokens: aioTokens, Topics: aioTopics, Backlog: aioBacklog}, SendQueue: 40960, CompressionThreshold: 512, MaxHeld: 128 << 20, MaxQueued: 256 << 20, AdmissionRate: 5000, AddressRate: 100, AdmissionExempt: []string{ExemptPrivate}, NodeConflict: ConflictReplace, Recipients: RecipientsKnown, Rebalance: true,
		EstablishTimeout: 30 * time.Second, PingInterval: 30 * time.Second,
		IdleTimeout: 90 * time.Second, DrainTimeout: 25 * time.Second,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("without arguments:\n got %+v\nwant %+v", got, want)
	}
	if !got.EmbeddedNATS() || !got.EmbeddedRedis() {
		t.Error("without -nats and -redis both are embedded")
	}
}

func TestFlagBeatsEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	file := yamlFile(t, "zone: file\nid: file\nadmin: file:1\nmax-rate: 7\n")
	got := mustParseEdge(t, env{
		"LIMEGROVE_ZONE": "env", "LIMEGROVE_ID": "env", "LIMEGROVE_CONFIG": file, "LIMEGROVE_MAX_RATE": "",
	}, "-zone", "flag")
	for _, c := range []struct{ what, got, want string }{
		{"named everywhere", got.Zone, "flag"},
		{"named in environment and file", got.ID, "env"},
		{"named in the file", got.Admin, "file:1"},
		{"named nowhere", got.Gossip, "127.0.0.1:7946"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	if got.MaxRate != 7 {
		t.Errorf("an empty variable hides the file: -max-rate is %d", got.MaxRate)
	}
}

func TestRebalanceCanBeTurnedOff(t *testing.T) {
	for name, got := range map[string]Edge{
		"flag":        mustParseEdge(t, nil, "-rebalance=false"),
		"environment": mustParseEdge(t, env{"LIMEGROVE_REBALANCE": "false"}),
		"file":        mustParseEdge(t, nil, "-config", yamlFile(t, "rebalance: false\n")),
	} {
		if got.Rebalance {
			t.Errorf("%s: it is on", name)
		}
	}
}

func TestListsMayBeRepeatedOrSeparatedByCommas(t *testing.T) {
	want := []string{"a:1", "b:2", "c:3"}
	for name, got := range map[string]Edge{
		"repeated flag":         mustParseEdge(t, nil, "-join", "a:1", "-join", "b:2", "-join=c:3"),
		"commas in a flag":      mustParseEdge(t, nil, "-join", "a:1, b:2", "-join", "c:3"),
		"commas in environment": mustParseEdge(t, env{"LIMEGROVE_JOIN": "a:1,b:2,,c:3"}),
		"YAML list":             mustParseEdge(t, nil, "-config", yamlFile(t, "join:\n- a:1\n- b:2\n- c:3\n")),
		"commas in YAML":        mustParseEdge(t, nil, "-config", yamlFile(t, "join: a:1,b:2,c:3")),
	} {
		if !slices.Equal(got.Join, want) {
			t.Errorf("%s: %q, want %q", name, got.Join, want)
		}
	}
	if got := mustParseEdge(t, env{"LIMEGROVE_JOIN": "b:2"}, "-join", "a:1").Join; !slices.Equal(got, []string{"a:1"}) {
		t.Errorf("the stronger source gives all values: got %q", got)
	}
	if got := mustParseEdge(t, nil, "-domain", "Example.ORG").Domains; !slices.Equal(got, []string{"example.org"}) {
		t.Errorf("a given domain replaces the default and is folded: got %q", got)
	}
}

func TestRouterRunsInsideOnlyWithEmbeddedParts(t *testing.T) {
	nats, redis := "-nats=nats://n:4222", "-redis=redis://r:6379"
	for _, c := range []struct {
		args []string
		want bool
	}{
		{nil, true},
		{[]string{nats}, true},
		{[]string{redis}, true},
		{[]string{nats, redis}, false},
		{[]string{nats, redis, "-router"}, true},
		{[]string{"-router=false"}, false},
	} {
		if got := mustParseEdge(t, nil, c.args...).RunRouter; got != c.want {
			t.Errorf("%q: router inside is %t, want %t", c.args, got, c.want)
		}
	}
	if !mustParseEdge(t, env{"LIMEGROVE_ROUTER": "true"}, nats, redis).RunRouter {
		t.Error("the environment cannot ask for a router")
	}
}

func TestPagesAreForWhoEmbedsSomething(t *testing.T) {
	nats, redis := "-nats=nats://n:4222", "-redis=redis://r:6379"
	for _, c := range []struct {
		args []string
		want bool
	}{
		{nil, true},
		{[]string{redis}, true},
		{[]string{nats, redis}, false},
		{[]string{nats, redis, "-router"}, false},
		{[]string{nats, redis, "-pages"}, true},
		{[]string{"-pages=false"}, false},
	} {
		if got := mustParseEdge(t, nil, c.args...).Pages; got != c.want {
			t.Errorf("%q: pages are %t, want %t", c.args, got, c.want)
		}
	}
}

func TestGossipKeysAreDecodedInOrder(t *testing.T) {
	first, second := strings.Repeat("a", 16), strings.Repeat("b", 32)
	b64 := base64.StdEncoding.EncodeToString
	got := mustParseEdge(t, nil, "-gossip-key", b64([]byte(first)), "-gossip-key", b64([]byte(second))).GossipKeys
	if len(got) != 2 || string(got[0]) != first || string(got[1]) != second {
		t.Errorf("got %q", got)
	}
}

func TestBadUsageIsOneLineThatNamesTheFlag(t *testing.T) {
	file := func(text string) []string { return []string{"-config", yamlFile(t, text)} }
	for _, c := range []struct {
		name string
		env  env
		args []string
		want string // in the error
	}{
		{"unknown flag", nil, []string{"-nope"}, "-nope"},
		{"argument", nil, []string{"serve"}, `"serve"`},
		{"argument after flags", nil, []string{"-id", "a", "b"}, `"b"`},
		{"no number", nil, []string{"-max-rate", "many"}, "-max-rate"},
		{"a level that there is not", nil, []string{"-compression", "10"}, "-compression: 10"},
		{"a level below all", nil, []string{"-compression", "-1"}, "-compression"},
		{"less than a few envelopes", nil, []string{"-max-held", "1000000"}, "-max-held"},
		{"hardly anything", nil, []string{"-max-queued", "1000"}, "-max-queued"},
		{"nobody ever", nil, []string{"-admission-rate", "-1"}, "-admission-rate"},
		{"no connection of an address ever", nil, []string{"-admission-rate-per-address", "-1"}, "-admission-rate-per-address"},
		{"no network", nil, []string{"-admission-exempt", "10.0.0.0/8,balancer"}, `"balancer"`},
		{"no threshold", nil, []string{"-compression-threshold", "0"}, "-compression-threshold"},
		{"no number in environment", env{"LIMEGROVE_MAX_RATE": "many"}, nil, "-max-rate, from LIMEGROVE_MAX_RATE"},
		{"no number in file", nil, file("max-rate: many"), "-max-rate"},
		{"unknown key", nil, file("nope: 1"), `"nope"`},
		{"nested key", nil, file("tls: {cert: a}"), `"tls.cert"`},
		{"file in file", nil, file("config: other.yaml"), `"config"`},
		{"no YAML", nil, file("a: [\n- b\n"), "-config"},
		{"list as file", nil, file("- a\n- b\n"), "-config"},
		{"missing file", nil, []string{"-config", "/does/not/exist"}, "-config"},
		{"no duration", nil, []string{"-drain-timeout", "5"}, "-drain-timeout"},
		{"no time at all", nil, []string{"-drain-timeout", "0s"}, "-drain-timeout"},
		{"no bool", nil, []string{"-router=perhaps"}, "-router"},
		{"no URL", nil, []string{"-nats", "::"}, "-nats"},
		{"second URL wrong", nil, []string{"-nats", "nats://a,http://b"}, "-nats"},
		{"wrong scheme", nil, []string{"-redis", "http://r:6379"}, "-redis"},
		{"no host", nil, []string{"-redis", "redis://"}, "-redis"},
		{"address without port", nil, []string{"-listen", "localhost"}, "-listen"},
		{"port too high", nil, []string{"-gossip", "127.0.0.1:70000"}, "-gossip"},
		{"nobody can come", nil, []string{"-listen", ""}, "-listen"},
		{"join without port", nil, []string{"-join", "edge"}, "-join"},
		{"join without host", nil, []string{"-join", ":7946"}, "-join"},
		{"advertise port 0", nil, []string{"-advertise", "edge:0"}, "-advertise"},
		{"domain with at", nil, []string{"-domain", "a@b"}, "-domain"},
		{"domain with empty label", nil, []string{"-domain", "a..b"}, "-domain"},
		{"no domain", nil, []string{"-domain", ""}, "-domain"},
		{"the domain of groups", nil, []string{"-domain", "Groups.a.b"}, "-domain"},
		{"groups of nobody", nil, []string{"-group-members", "0"}, "-group-members"},
		{"nobody in groups", nil, []string{"-groups-per-identity", "0"}, "-groups-per-identity"},
		{"domain twice", nil, []string{"-domain", "a.b,A.B"}, "-domain"},
		{"no id", nil, []string{"-id", ""}, "-id"},
		{"id with space", nil, []string{"-id", "a b"}, "-id"},
		{"cert without key", nil, []string{"-tls-cert", "c.pem"}, "-tls-key"},
		{"key without cert", nil, []string{"-tls-key", "k.pem"}, "-tls-cert"},
		{"TCP without port", nil, []string{"-tcp", "localhost"}, "-tcp"},
		{"two on one address", nil, []string{"-listen", ":9000", "-tcp", ":9000"}, "-tcp"},
		{"TLS over TCP without certificate", nil, []string{"-tcp", ":0", "-tcp-encryption", "tls,none"}, "-tcp-encryption"},
		{"unknown encryption", nil, []string{"-tcp", ":0", "-tcp-encryption", "ssl"}, "-tcp-encryption"},
		{"encryption twice", nil, []string{"-tcp", ":0", "-tcp-encryption", "none,none"}, "-tcp-encryption"},
		{"client CA without cert", nil, []string{"-tls-client-ca", "ca.pem"}, "-tls-cert"},
		{"transport without client CA", nil, []string{"-auth", "guest,transport"}, "-tls-client-ca"},
		{"external without issuers", nil, []string{"-auth", "external"}, "-auth-issuers"},
		{"no file of issuers", nil, []string{"-auth-issuers", "/nowhere/issuers.yaml"}, "-auth-issuers"},
		{"webhook is no URL", nil, []string{"-auth-webhook", "nats://x"}, "-auth-webhook"},
		{"webhook for transport", nil, []string{"-auth-webhook", "https://x/", "-auth-webhook-schemes", "transport"}, "-auth-webhook-schemes"},
		{"short webhook secret", nil, []string{"-auth-webhook", "https://x/", "-auth-webhook-secret", "secret"}, "-auth-webhook-secret"},
		{"negative memory", nil, []string{"-password-memory", "-1s"}, "-password-memory"},
		{"unknown scheme", nil, []string{"-auth", "guest,magic"}, "-auth"},
		{"no scheme", nil, []string{"-auth", ""}, "-auth"},
		{"key not base64", nil, []string{"-gossip-key", "!"}, "-gossip-key"},
		{"key too short", nil, []string{"-gossip-key", "c2hvcnQ="}, "-gossip-key"},
		{"unknown level", nil, []string{"-log-level", "loud"}, "-log-level"},
		{"unknown format", nil, []string{"-log-format", "xml"}, "-log-format"},
		{"no answer to a conflict", nil, []string{"-node-conflict", "both"}, "-node-conflict"},
		{"tiny envelopes", nil, []string{"-max-envelope", "10"}, "-max-envelope"},
		{"envelopes too large for the embedded broker", nil, []string{"-max-envelope", "2000000"}, "-max-envelope"},
		{"rate below one envelope", nil, []string{"-max-bytes-rate", "1000"}, "-max-bytes-rate"},
		{"negative limit", nil, []string{"-max-sessions-per-address", "-1"}, "-max-sessions-per-address"},
		{"negative bound", nil, []string{"-max-sessions", "-1"}, "-max-sessions"},
		{"partitions without end", nil, []string{"-partitions", "5000"}, "-partitions"},
		{"no duplicate window", nil, []string{"-duplicate-window", "0s"}, "-duplicate-window"},
		{"a duplicate window shorter than two stores are tried", nil, []string{"-duplicate-window", "19.999s"}, "-duplicate-window"},
		{"messages that die at once", nil, []string{"-message-lifetime", "10s"}, "-message-lifetime"},
		{"no room for messages", nil, []string{"-inbox-limit", "0"}, "-inbox-limit"},
		{"no room for contacts", nil, []string{"-max-contacts", "0"}, "-max-contacts"},
		{"a log for nothing", nil, []string{"-log-bytes", "1048576"}, "-log-bytes"},
		{"an inbox for less than nothing", nil, []string{"-inbox-bytes", "-1"}, "-inbox-bytes"},
		{"channels for somebody else", nil, []string{"-bachata-auth", "maybe"}, "-bachata-auth"},
		{"channels of another kind", nil, []string{"-bachata-mode", "maybe"}, "-bachata-mode"},
		{"rooms that keep nothing", nil, []string{"-room-history-messages", "0"}, "-room-history-messages"},
		{"rooms that keep it for too short", nil, []string{"-room-history-age", "10s"}, "-room-history-age"},
		{"rooms that keep less than nothing", nil, []string{"-room-history-bytes", "-1"}, "-room-history-bytes"},
		{"files longer than they may be", nil, []string{"-file-size", "4294967297"}, "-file-size"},
		{"a quota below one file", nil, []string{"-file-quota", "1000"}, "-file-quota"},
		{"files for no time", nil, []string{"-file-lifetime", "1s"}, "-file-lifetime"},
		{"no room for files", nil, []string{"-file-bytes", "5"}, "-file-bytes"},
		{"nobody's files", nil, []string{"-files-per-identity", "0"}, "-files-per-identity"},
		{"files by another protocol", nil, []string{"-files-url", "ftp://files.example.org"}, "-files-url"},
		{"files with a password", nil, []string{"-files-url", "https://ana:secret@files.example.org"}, "-files-url"},
		{"files that nobody finds", nil, []string{"-files", ":8081", "-router=false"}, "-files-url"},
		{"files where sessions are", nil, []string{"-files", ":8080"}, "-listen"},
		{"files nowhere", nil, []string{"-files", "8081"}, "-files"},
		{"no transfers", nil, []string{"-file-transfers", "0"}, "-file-transfers"},
		{"transfers without patience", nil, []string{"-file-idle-timeout", "0s"}, "-file-idle-timeout"},
		{"pings too rare", nil, []string{"-ping-interval", "90s"}, "-ping-interval"},
	} {
		_, err := ParseEdge(c.args, c.env.get, io.Discard)
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		text := err.Error()
		if !strings.Contains(text, c.want) || strings.Contains(text, "\n") {
			t.Errorf("%s: %q, want one line with %q", c.name, text, c.want)
		}
		if c.name != "unknown flag" && strings.Contains(text, "not defined") {
			t.Errorf("%s: there is no such flag: %s", c.name, text)
		}
	}
}

func TestEnvelopesMustFitTheBroker(t *testing.T) {
	e := mustParseEdge(t, nil, "-nats", "nats://a", "-max-envelope", "1000000")
	if err := e.CheckPayload(1000000 + 16<<10); err != nil {
		t.Errorf("with room for headers: %v", err)
	}
	err := e.CheckPayload(1000000 + 16<<10 - 1)
	if err == nil || !strings.HasPrefix(err.Error(), "-max-envelope") || strings.Contains(err.Error(), "\n") {
		t.Errorf("without: %v, want one line that names the flag", err)
	}
}

func TestErrorsHideSecrets(t *testing.T) {
	for _, args := range [][]string{
		{"-nats", "http://user:hunter2@n"},
		{"-nats", "nats://user:hunter2@n:%zz"},
		{"-redis", "redis://:hunter2@%zz"},
		{"-gossip-key", "hunter2"},
	} {
		_, err := ParseEdge(args, env{}.get, io.Discard)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", args[0], err)
		}
	}
}

func TestHelpShowsEveryFlagWithDefaultAndVariable(t *testing.T) {
	var out strings.Builder
	_, err := ParseEdge([]string{"-h"}, env{}.get, &out)
	if !errors.Is(err, flag.ErrHelp) {
		t.Fatalf("-h: %v, want flag.ErrHelp", err)
	}
	for _, want := range []string{
		"Usage: edge [flags]", "\nLimits\n", "  -max-envelope bytes\n", "(default 524288)", "LIMEGROVE_MAX_ENVELOPE\n",
		"  -auth schemes\n", "(default guest,plain)", "  -router\n", "  -config file\n", "-version alone",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the usage lacks %q", want)
		}
	}
	for line := range strings.Lines(out.String()) {
		if len(line) > 120 {
			t.Errorf("too wide for a terminal: %q", line)
		}
	}
}

func TestRouterEmbedsNothing(t *testing.T) {
	parse := func(args ...string) (Router, error) { return ParseRouter(args, env{}.get, io.Discard) }
	if _, err := parse("-redis", "redis://r"); err == nil || !strings.HasPrefix(err.Error(), "-nats:") {
		t.Errorf("without -nats: %v", err)
	}
	if _, err := parse("-nats", "nats://n"); err == nil || !strings.HasPrefix(err.Error(), "-redis:") {
		t.Errorf("without -redis: %v", err)
	}
	if _, err := parse("-nats", "nats://n", "-redis", "redis://r", "-listen", ":1"); err == nil {
		t.Error("a router listens to no clients, yet takes -listen")
	}
	r, err := parse("-nats", "nats://n,tls://m:4222", "-redis", "rediss://r", "-id", "r1", "-join", "edges:7946", "-domain", "example.org", "-partitions", "16", "-log-bytes", "1073741824", "-inbox-bytes", "17179869184")
	if err != nil || r.LogBytes != 1<<30 || r.InboxBytes != 16<<30 || r.Partitions != 16 || r.InboxLimit != 10000 || r.ID != "r1" || r.Domains[0] != "example.org" || r.Join[0] != "edges:7946" {
		t.Errorf("got %+v, %v", r, err)
	}
}
