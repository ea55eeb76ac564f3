package e2e

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/redis/go-redis/v9"

	"limegrove/internal/redistest"
	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/lime/client/files"
)

// secured is a cluster whose stores let nobody in but over TLS, by a private authority, and
// nobody do more than the examples' permissions say.
type secured struct {
	*cluster
	trusts *tls.Config
}

// Where docs/security.md has its examples.
const (
	secureNATS = "../examples/nats/secure.conf"
	redisUsers = "../examples/redis/users.acl"
)

// startSecured starts the stores. The users' passwords are their names and "-secret".
func startSecured(t *testing.T) *secured {
	t.Helper()
	ca := newAuthority(t)
	certificate, key := ca.serves(t)
	own, err := os.ReadFile(ca.file)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(own)
	s := &secured{cluster: &cluster{env: []string{"SSL_CERT_FILE=" + ca.file}}, trusts: &tls.Config{RootCAs: pool}}

	conf, err := filepath.Abs(secureNATS)
	must(t, err)
	s.nats = &natsServer{name: "nats-server", port: freePorts(t, 1), dir: t.TempDir(), config: conf}
	s.nats.env = []string{"NATS_TLS_CERT=" + certificate, "NATS_TLS_KEY=" + key, "NATS_STORE=" + s.nats.dir}
	for _, user := range []string{"edge", "router", "operator", "system"} {
		s.nats.env = append(s.nats.env, fmt.Sprintf("NATS_%s_PASSWORD=%s-secret", strings.ToUpper(user), user))
	}
	s.nats.start(t)

	users, err := os.ReadFile(redisUsers)
	must(t, err)
	acl := fileOf(t, "users.acl", strings.NewReplacer(
		">EDGE_PASSWORD", ">edge-secret", ">ROUTER_PASSWORD", ">router-secret", ">OPERATOR_PASSWORD", ">operator-secret").Replace(string(users)))
	s.redis = redistest.StartAs(t, redis.Options{Username: "operator", Password: "operator-secret", TLSConfig: s.trusts},
		"--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", ca.file, "--aclfile", acl)

	s.stores = func(id string) (broker, store string) {
		user, _, _ := strings.Cut(id, "-")
		return s.natsURL(user), fmt.Sprintf("rediss://%s:%s-secret@%s", user, user, s.redis.Addr())
	}
	return s
}

func (s *secured) natsURL(user string) string {
	return fmt.Sprintf("tls://%s:%s-secret@%s", user, user, address(s.nats.port))
}

// serves signs a certificate for servers on loopback.
func (a authority) serves(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(3), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.ParseIP(loopback)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, leaf, a.certificate, private.Public(), a.key)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	return fileOf(t, "server.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}))),
		fileOf(t, "server.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

// TestSecuredStores: edges and a router do all they do with stores that demand TLS and give each the least rights, and nobody
// gets more.
func TestSecuredStores(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	hook, hooks := startHook(t, "")
	rules := fileOf(t, "rooms.json", strings.Replace(rulesOfRooms, "[\n", "[\n"+`{"room": "/public/kept", "may": ["enter"], "history": {"count": 10}},`, 1))
	s.settings = []string{"-events", "all", "-webhooks", hooks, "-room-rules", rules, "-partitions", "16", "-gossip-key", "aHVudGVyMmh1bnRlcjJodW50ZXIyISEh", "-admin-token", operatorsToken}
	at := startBalancer(t)
	s.settings = append(s.settings, "-files-url", "http://"+at.Addr().String(), "-file-guests")
	s.start(t, 2)
	conversations(t, s.cluster, hook)
	s.sendsFiles(t, at)

	if log, _ := s.nats.output.read(); strings.Contains(string(log), "Violation") {
		t.Error("somebody may not do what he does; see what nats-server has printed")
	}
	denied, err := s.redis.Client().ACLLog(t.Context(), 10).Result()
	must(t, err)
	for _, d := range denied {
		t.Errorf("Redis has refused: %+v", d)
	}
	t.Run("NATS lets nobody do more", s.brokersRefuse)
	t.Run("Redis lets nobody do more", s.redisRefuses)
}

// TestSecuredEdgeComesAfterARouter, which alone may make streams: it ends with a line that says so, and makes nothing.
func TestSecuredEdgeComesAfterARouter(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	s.gossip = address(freePorts(t, 1))
	args := s.shared("edge-1", "-gossip", s.gossip, "-listen", address(0))
	edge := startProcessIn(t, s.env, "edge-1", t.TempDir(), edgeProgram, args...)
	if status := edge.wantExit(t, patience); status.ExitStatus() != 1 {
		t.Errorf("it ends with %d", status.ExitStatus())
	}
	edge.wantPrinted(t, `Permissions Violation for Publish to "\$JS\.API\.STREAM\.CREATE\.`)

	s.start(t, 1)
	guest(t, goLibrary, s.edges[0], "ana/home")
}

// conversations is most of what a cluster is used for.
func conversations(t *testing.T, c *cluster, hook *hook) {
	t.Helper()
	st := stage{c, place{goLibrary, c.edges[0]}, place{goLibrary, c.edges[1]}}
	zoe := st.newAccount(t, "zoe")
	ana, rui := st.guest(t, st.here, "ana", "home"), st.guest(t, st.there, "rui", "desk")
	ana.setReceipts("accepted", "failed", "received")
	ana.setPresence(map[string]any{"status": "busy"})
	hook.want("a platform is told", "presence.changed", ana.identity())

	ana.send(Envelope{To: rui.node, Type: "text/plain", Content: "without an id"})
	rui.wantText("across edges, transient", "without an id")
	ana.send(text("1", rui.node, "with an id"))
	rui.wantText("across edges, stored", "with an id")
	ana.wantEvent("it was stored", "1", "accepted")

	ana.send(text("2", zoe+"@"+domain, "for later"))
	ana.wantEvent("for one who is away", "2", "accepted")
	wantMetric(t, c.routerAdmin, "limegrove_sweep_moved_total", 1)
	back := login(t, goLibrary, c.edges[1], zoe+"/desk", secret(password))
	back.setPresence(map[string]any{"status": "available"})
	back.wantText("when she is back", "for later")
	wantMetric(t, c.edges[1].admin, `limegrove_stream_deletes_total{result="ok"}`, 1)

	if answer := back.call(Envelope{
		Method: "set", URI: "/contacts", Type: "application/vnd.lime.contact+json",
		Resource: map[string]any{"identity": ana.identity(), "name": "Ana"},
	}); answer.Status != "success" {
		t.Errorf("a contact: %s", answer)
	}
	lia, leo := arrive(t, c.edges[0], "lia@localhost", ""), arrive(t, c.edges[1], "leo@localhost", "")
	for _, path := range []string{"/public/lobby", "/public/kept"} {
		lobby := lia.enters(path, "")
		leo.enters(path, "")
		leo.call(lobby, "to "+path)
		lia.wantRead("a room, across edges", "to "+path)
		leo.wantRead("and oneself", "to "+path)
	}
	lia.attends("/public/lobby")
	lia.wantPresent("a room tells who is there", patience, "leo@localhost", "lia@localhost")

	c.groupTalks(t, goLibrary)
	for _, admin := range []string{c.edges[0].admin, c.routerAdmin} {
		statusShowsAll(t, admin, len(c.edges)+1)
		queuesShowStreams(t, admin)
	}
	c.edges[1].signal(t, syscall.SIGTERM)
	if status := c.edges[1].wantExit(t, patience); status.ExitStatus() != 0 {
		t.Errorf("a drained edge ends with %d", status.ExitStatus())
	}
}

// statusShowsAll wants so many members on a process's status page to have answered it.
func statusShowsAll(t *testing.T, admin string, members int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/status/events", http.NoBody)
	must(t, err)
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	must(t, err)
	defer answer.Body.Close()
	lines := bufio.NewReader(answer.Body)
	for {
		line, err := lines.ReadString('\n')
		if strings.Count(line, `"health":"healthy"`) == members {
			return
		}
		if err != nil {
			t.Fatalf("the status page of %s has not shown %d members that answer: %v", admin, members, err)
		}
	}
}

// operatorsToken is the admin token of all that run with secured stores.
const operatorsToken = "operators-secret"

// queuesShowStreams wants a process to tell what JetStream keeps, and who reads it.
func queuesShowStreams(t *testing.T, admin string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/status/queues", http.NoBody)
	must(t, err)
	request.Header.Set("Authorization", "Bearer "+operatorsToken)
	answer, err := http.DefaultClient.Do(request)
	must(t, err)
	defer answer.Body.Close()
	told, err := io.ReadAll(answer.Body)
	must(t, err)
	if text := string(told); answer.StatusCode != http.StatusOK || strings.Contains(text, `"error"`) || !strings.Contains(text, `"name":"LOG_0"`) || !strings.Contains(text, `"consumers":[{`) {
		t.Errorf("%s tells of what waits: %s, %s", admin, answer.Status, text)
	}
}

// sendsFiles: an edge takes a file, gives it, and gives up another that is not what was announced.
func (s *secured) sendsFiles(t *testing.T, at *balancer) {
	t.Helper()
	port := address(freePorts(t, 1))
	at.to.Store(&port)
	e := s.addEdge(t, "-files", port)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ana, err := client.Dial(ctx, e.url, client.Config{Node: lime.MustParseNode("ana-files@" + domain)})
	must(t, err)
	defer ana.Close()
	transfers, err := files.New(ana, files.Config{Tries: 1})
	must(t, err)
	const size = 2 << 20
	sent, err := transfers.Upload(ctx, files.Source{Name: "a", Size: size, Content: paper(size)})
	must(t, err)
	into, err := files.OpenDirectory(t.TempDir(), "")
	must(t, err)
	defer func() { _ = into.Close() }()
	_, err = transfers.Download(ctx, sent.Link(), ana.Node().Identity, into)
	must(t, err)
	var refused *files.StatusError
	if _, err := transfers.Upload(ctx, files.Source{Name: "b", Size: size, Content: &torn{paper: size}}); !errors.As(err, &refused) || refused.Status != 460 {
		t.Errorf("a file that is not what was announced: %v", err)
	}
	_, err = ana.Command(ctx, &lime.Command{Method: lime.MethodDelete, URI: "/files/" + sent.ID})
	must(t, err)
}

// torn is another content when it is read again.
type torn struct {
	paper
	reads atomic.Int64 // of the first byte
}

// ReadAt is that of io.ReaderAt.
func (p *torn) ReadAt(b []byte, at int64) (int, error) {
	n, err := p.paper.ReadAt(b, at)
	if at == 0 && n > 0 && p.reads.Add(1) > 1 {
		b[0]++
	}
	return n, err
}

// brokersRefuse: what the users' permissions and the account keep from them.
func (s *secured) brokersRefuse(t *testing.T) {
	at := address(s.nats.port)
	for url, why := range map[string]string{
		"tls://" + at:                       "nobody",
		"tls://edge:router-secret@" + at:    "with another's password",
		"nats://router:edge-secret@" + at:   "with another's password",
		"tls://limegrove:edge-secret@" + at: "a user that is not there",
	} {
		if nc, err := nats.Connect(url, nats.Secure(s.trusts)); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s is let in: %v", why, err)
			if err == nil {
				nc.Close()
			}
		}
	}
	if nc, err := nats.Connect(s.natsURL("edge")); err == nil {
		nc.Close()
		t.Error("a server is believed whose authority is not known")
	}
	for user, subjects := range map[string][]string{
		"edge": {
			"$JS.API.STREAM.DELETE.LOG_0", "$JS.API.STREAM.PURGE.INBOX_0", "$JS.API.STREAM.UPDATE.KV_accounts", "$JS.API.STREAM.SNAPSHOT.KV_accounts",
			"$JS.API.STREAM.CREATE.stolen", "$JS.API.STREAM.CREATE.KV_connectors", "$JS.API.STREAM.CREATE.KV_files", "$JS.API.STREAM.MSG.DELETE.KV_accounts", "$JS.API.CONSUMER.CREATE.KV_accounts.x",
			"$JS.API.STREAM.CREATE.OBJ_files_0", "$JS.API.STREAM.PURGE.KV_files", "$JS.API.DIRECT.GET.KV_apikeys", "$JS.API.DIRECT.GET.KV_apikeys.$KV.apikeys.x", "$JS.API.STREAM.MSG.GET.KV_apikeys",
			"$KV.accounts.org.example.@.ana", "inbox.0.org.example.@.ana._", "grouped.0.x", "dead.push", "$SYS.REQ.SERVER.PING",
		},
		"router": {
			"$JS.API.STREAM.DELETE.LOG_0", "$JS.API.STREAM.UPDATE.LOG_0", "$JS.API.STREAM.SNAPSHOT.KV_accounts", "$JS.API.STREAM.RESTORE.KV_accounts",
			"$JS.API.META.LEADER.STEPDOWN", "auth.plain", "cmd.localhost", "$SYS.REQ.SERVER.PING",
		},
	} {
		for _, subject := range subjects {
			s.wantForbidden(t, user, "publish to "+subject, func(nc *nats.Conn) error { return nc.Publish(subject, nil) })
		}
	}
	for user, subjects := range map[string][]string{
		"edge":   {">", "auth.>", "auth.plain", "cmd.>", "presence.>", "_INBOX.>", "_INBOX.router.>", "$KV.>", "$JS.API.>", "log.>", "$SYS.>"},
		"router": {">", "room.>", "_INBOX.>", "_INBOX.edge.>", "$KV.>", "$JS.API.>", "log.>", "$SYS.>"},
	} {
		for _, subject := range subjects {
			s.wantForbidden(t, user, "listen to "+subject, func(nc *nats.Conn) error {
				_, err := nc.SubscribeSync(subject)
				return err
			})
		}
	}
}

// wantForbidden wants NATS to tell that a user may not do something.
func (s *secured) wantForbidden(t *testing.T, user, what string, do func(*nats.Conn) error) {
	t.Helper()
	told := make(chan error, 8)
	nc, err := nats.Connect(s.natsURL(user), nats.Secure(s.trusts), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { told <- err }))
	must(t, err)
	defer nc.Close()
	must(t, do(nc))
	must(t, nc.Flush())
	select {
	case err := <-told:
		if !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("%s: %s: %v", user, what, err)
		}
	case <-time.After(2 * time.Second):
		t.Errorf("%s may %s", user, what)
	}
}

// refusal is how Redis says that a user may not, by itself or out of a script.
var refusal = regexp.MustCompile(`^NO(PERM|AUTH) |The user executing the script can't `)

// redisRefuses: what the users' lists keep from them.
func (s *secured) redisRefuses(t *testing.T) {
	for user, commands := range map[string][][]any{
		"edge": {
			{"flushall"},
			{"config", "get", "*"},
			{"keys", "*"},
			{"scan", 0},
			{"get", "other"},
			{"set", "other", 1},
			{"acl", "list"},
			{"shutdown"},
			{"eval", "return redis.call('get', 'other')", 0},
			{"eval", "return redis.call('flushall')", 0},
			{"publish", "x", "y"},
			{"monitor"},
		},
		"router":  {{"flushall"}, {"config", "get", "*"}, {"keys", "*"}, {"set", "other", 1}, {"acl", "setuser", "router", "+@all"}},
		"default": {{"ping"}},
	} {
		options := &redis.Options{Addr: s.redis.Addr(), Username: user, Password: user + "-secret", TLSConfig: s.trusts, DisableIdentity: true}
		if user == "default" {
			options.Username, options.Password = "", ""
		}
		c := redis.NewClient(options)
		for _, args := range commands {
			if err := c.Do(t.Context(), args...).Err(); err == nil || !refusal.MatchString(err.Error()) {
				t.Errorf("%s: %v: %v", user, args, err)
			}
		}
		must(t, c.Close())
	}
}
