package config

import (
	"flag"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var write = flag.Bool("write", false, "write docs/configuration.md")

const page = "../../docs/configuration.md"

func TestPageOfSettingsIsThatOfTheCode(t *testing.T) {
	if *write {
		if err := os.WriteFile(page, []byte(Page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != Page() {
		t.Error("docs/configuration.md is another page than the code makes: run `make docs`")
	}
}

func TestEffectsAreOfFlags(t *testing.T) {
	var e Edge
	b := e.bind()
	for _, name := range slices.Concat(slices.Sorted(maps.Keys(effects)), switches, secrets, addresses, notKeys) {
		if b.fs.Lookup(name) == nil {
			t.Errorf("there is no flag %s", name)
		}
	}
}

// Every flag is read from each source, and printed and read again it is what it was.
func TestPrintedConfigurationIsTheSameConfiguration(t *testing.T) {
	for name, args := range map[string][]string{
		"by default": nil,
		"of all kinds": {
			"-nats", "nats://u@n:4222,nats://m:4222", "-redis", "redis+cluster://u:p@h:1,i:2/?read_timeout=1s", "-domain", "a.b,c.d", "-domain", "e.f",
			"-max-rate", "7", "-ping-interval", "1.5s", "-rebalance=false", "-router", "-join", "a:1,b:2", "-zone", `a"b\c#d`, "-admission-exempt", "none",
			"-id", "yes", "-auth-webhook", "https://u:p@h/x?key=hunter2&b=1", "-gossip-key", "AAAAAAAAAAAAAAAAAAAAAA==", "-log-level", "debug",
			"-hightemplar-header", "Authorization=fixed:hunter2", "-trace-headers", "Authorization=Bearer hunter2",
		},
	} {
		first, err := printed(args)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, secret := range []string{"hunter2", ":p@", "AAAA", "u@n"} {
			if strings.Contains(first, secret) {
				t.Errorf("%s: it shows %q:\n%s", name, secret, first)
			}
		}
		again, err := printed([]string{"-config", yamlFile(t, first)})
		if err != nil {
			t.Fatalf("%s: printed and read again: %v\n%s", name, err, first)
		}
		if a, b := withoutSources(first), withoutSources(again); a != b {
			t.Errorf("%s: it is\n%s\nand read again\n%s", name, a, b)
		}
		third, err := printed([]string{"-config", yamlFile(t, again)})
		if err != nil || third != again {
			t.Errorf("%s: what was read from a file and printed is\n%s\nand read again (%v)\n%s", name, again, err, third)
		}
	}
}

func TestPrintedConfigurationTellsSources(t *testing.T) {
	var b strings.Builder
	_, s, err := ReadEdge([]string{"-zone", "z", "-config", yamlFile(t, "max-rate: 7")}, env{"LIMEGROVE_ID": "i"}.get, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nzone: \"z\" # flag\n", "\nid: \"i\" # environment\n", "\nmax-rate: 7 # file\n", "\nmax-rooms: 100 # default\n", "\nrouter: true # default\n",
		"\ntcp-encryption: [\"none\"] # default\n", "\nping-interval: 30s # default\n", "\nauth: [\"guest\", \"plain\"] # default\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it lacks %q:\n%s", want, b.String())
		}
	}
}

// printed is what an edge with these arguments prints.
func printed(args []string) (string, error) {
	_, s, err := ReadEdge(args, env{}.get, io.Discard)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = s.Print(&b)
	return b.String(), err
}

// withoutSources is a printed configuration without comments.
func withoutSources(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if i := strings.LastIndex(line, " # "); i > 0 && !strings.HasPrefix(line, "# ") {
			b.WriteString(line[:i] + "\n")
		}
	}
	return b.String()
}

func TestNextConfigurationKeepsWhatNeedsARestart(t *testing.T) {
	read := func(text string) *Settings {
		t.Helper()
		_, s, err := ReadEdge([]string{"-config", yamlFile(t, text)}, env{}.get, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	was := read("max-rate: 7\nzone: a\nlisten: ':1'\nmax-rooms: 3\nroom-rules: a.json")
	will := read("max-rate: 8\nzone: b\nping-interval: 5s\nlisten: ':1'\nroom-rules: b.json\ntls-cert: c.pem\ntls-key: k.pem")
	merged, kept := was.Next(will, "room-rules")
	if want := []string{"tls-cert", "tls-key", "zone", "room-rules"}; !slices.Equal(kept, want) {
		t.Errorf("kept are %q, want %q", kept, want)
	}
	got, err := EdgeOf(merged)
	if err != nil {
		t.Fatal(err)
	}
	if got.MaxRate != 8 || got.Zone != "a" || got.PingInterval.Seconds() != 5 || got.MaxRooms != 100 || got.RoomRules != "a.json" || got.TLSCert != "" {
		t.Errorf("in force is %+v", got)
	}
	if got := was.Changed(merged); !slices.Equal(got, []string{"max-rate", "max-rooms", "ping-interval"}) {
		t.Errorf("changed are %q", got)
	}
	same, kept := merged.Next(merged)
	if len(kept) > 0 || !reflect.DeepEqual(same, merged) {
		t.Errorf("the same again keeps %q", kept)
	}
}

func TestRedactedAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"nats://n:4222":                 "nats://n:4222",
		"nats://u:p@n:4222, nats://t@m": "nats://u:xxxxx@n:4222,nats://xxxxx@m",
		"redis+cluster://u:p@h:1,i:2/0": "redis+cluster://u:xxxxx@h:1,i:2/0",
		"redis://:p@h/1?pool_size=3":    "redis://:xxxxx@h/1?pool_size=3",
		"redis://:p,w@h":                "xxxxx,xxxxx@h",
		"redis://u:1/w@h":               "xxxxx",
		"https://h/x?key=secret":        "https://h/x?key=xxxxx",
		"amqp://u:p@h:5672/%2f":         "amqp://u:xxxxx@h:5672/%2f",
		"http://u:p@h/%zz":              "xxxxx",
	} {
		if got := Redacted(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
