//go:build backup

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"limegrove/e2e/programs"
	"limegrove/internal/redistest"
)

// TestBackupIsRestored into an empty JetStream, beside an empty Redis: by the commands of docs/backup.md.
func TestBackupIsRestored(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	s := stage{c, place{goLibrary, c.edges[0]}, place{goLibrary, c.edges[1]}}
	zoe, rui := s.newAccount(t, "zoe"), s.newAccount(t, "rui")
	desk := s.arrive(t, rui)
	ana := s.guest(t, s.here, "ana", "home")
	ana.setReceipts("accepted", "received")
	const letters = 20
	write := func(from *session, to string, first, last int) {
		for i := first; i < last; i++ {
			id := fmt.Sprintf("%s-%d", to, i)
			from.send(text(id, to+"@"+domain, id))
			from.wantEvent("it is stored", id, "accepted")
		}
	}
	write(ana, rui, 0, letters) // which he has
	for i := range letters {
		id := fmt.Sprintf("%s-%d", rui, i)
		desk.wantText("he is there", id)
		desk.send(Envelope{ID: id, To: ana.node, Event: "received"})
		ana.wantEvent("he has it", id, "received")
	}
	write(ana, zoe, 0, letters) // who is away
	wantMetric(t, c.routerAdmin, "limegrove_sweep_moved_total", letters)
	if answer := desk.call(Envelope{
		Method: "set", URI: "/contacts", Type: "application/vnd.lime.contact+json", Resource: map[string]any{"identity": zoe + "@" + domain},
	}); answer.Status != "success" {
		t.Fatalf("a contact: %s", answer)
	}

	folder := filepath.Join(t.TempDir(), "backup")
	runExample(t, "NATS_URL="+c.nats.url, "backup", folder)
	for _, left := range []string{"LOG_0", "GROUP_0"} {
		if _, err := os.Stat(filepath.Join(folder, left)); err == nil {
			t.Errorf("%s is in the backup", left)
		}
	}
	write(ana, rui, letters, 2*letters) // positions that nobody knows later
	before := lastPosition(t, c.nats)

	for _, p := range []*process{c.edges[0].process, c.edges[1].process, c.router, c.nats.process} {
		p.kill()
	}
	c.redis.Stop()
	c.edges, c.redis = nil, redistest.Start(t)
	c.nats = startNATS(t)
	c.broker = c.nats.url
	runExample(t, "NATS_URL="+c.nats.url, "restore", folder)
	c.start(t, 2)
	if after := lastPosition(t, c.nats); after <= before {
		t.Errorf("positions go on from %d, and were given up to %d", after, before)
	}

	s = stage{c, place{goLibrary, c.edges[0]}, place{goLibrary, c.edges[1]}}
	desk = s.arrive(t, rui)
	if answer := desk.get("/contacts"); answer.Status != "success" || !holds(answer, zoe) {
		t.Errorf("his contacts: %s", answer)
	}
	lia := s.guest(t, s.there, "lia", "home")
	lia.setReceipts("accepted")
	write(lia, rui, 100, 100+letters)
	write(lia, zoe, 100, 100+letters)
	again := s.arrive(t, zoe)
	for i := range letters {
		again.wantText("what has waited", fmt.Sprintf("%s-%d", zoe, i))
	}
	for _, who := range []struct {
		*session
		name string
	}{{again, zoe}, {desk, rui}} {
		for i := range letters {
			who.wantText("what is new", fmt.Sprintf("%s-%d", who.name, 100+i))
		}
		who.wantNothingElse("what he had comes no more, nothing twice")
	}
	if _, err := os.Stat(folder); err != nil {
		t.Fatal(err)
	}
	if out, err := example(t, "NATS_URL="+c.nats.url, "restore", folder).CombinedOutput(); err == nil {
		t.Errorf("it is restored over what is there: %s", out)
	}
}

// TestOperatorMayBackUp with the user that examples/nats/secure.conf has for that.
func TestOperatorMayBackUp(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	s.start(t, 1)
	folder := t.TempDir()
	runExample(t, "NATS_URL="+s.natsURL("operator")+" NATS_CA="+s.env[0][len("SSL_CERT_FILE="):], "backup", folder)
	if _, err := os.Stat(filepath.Join(folder, "KV_accounts")); err != nil {
		t.Errorf("an operator's backup: %v", err)
	}
}

// holds tells whether an answer has a text somewhere.
func holds(answer Envelope, text string) bool {
	return len(text) > 0 && strings.Contains(fmt.Sprint(answer.Resource), text)
}

// runExample runs a script of examples/nats, with variables more.
func runExample(t *testing.T, env, name string, args ...string) {
	t.Helper()
	if out, err := example(t, env, name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func example(t *testing.T, env, name string, args ...string) *exec.Cmd {
	t.Helper()
	cli, err := programs.Tool(t.Context(), "natscli")
	must(t, err)
	bin := t.TempDir()
	must(t, os.Symlink(cli, filepath.Join(bin, "nats")))
	script, err := filepath.Abs("../examples/nats/" + name)
	must(t, err)
	cmd := exec.CommandContext(t.Context(), script, args...)
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+bin)
	cmd.Env = append(cmd.Env, strings.Fields(env)...)
	return cmd
}

// lastPosition is the last sequence of the log of partition 0.
func lastPosition(t *testing.T, at *natsServer) uint64 {
	t.Helper()
	nc, err := nats.Connect(at.url)
	must(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(t, err)
	stream, err := js.Stream(t.Context(), "LOG_0")
	must(t, err)
	return stream.CachedInfo().State.LastSeq
}
