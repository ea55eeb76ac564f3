package embedded_test

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"limegrove/internal/embedded"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func startNATS(t *testing.T, dir string) *embedded.NATS {
	t.Helper()
	n, err := embedded.StartNATS(embedded.NATSConfig{Dir: dir, Port: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Shutdown)
	return n
}

// connect is a client as another process would have it.
func connect(t *testing.T, n *embedded.NATS) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	closed := make(chan struct{})
	conn, err := nats.Connect(n.URL(), nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		<-closed
	})
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return conn, js
}

func TestClientsTalkThroughTheEmbeddedNATS(t *testing.T) {
	n := startNATS(t, t.TempDir())
	ana, _ := connect(t, n)
	rui, _ := connect(t, n)
	sub, err := rui.SubscribeSync("to.example.@.rui.*")
	if err != nil {
		t.Fatal(err)
	}
	if err := rui.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := ana.Publish("to.example.@.rui.home", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	msg, err := sub.NextMsg(5 * time.Second)
	if err != nil || string(msg.Data) != "hello" {
		t.Errorf("got %v, %v", msg, err)
	}
	if got := ana.MaxPayload(); got != embedded.MaxPayload {
		t.Errorf("the largest message is %d bytes, want %d", got, embedded.MaxPayload)
	}
}

func TestStreamsOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	first := startNATS(t, dir)
	_, js := connect(t, first)
	kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "accounts"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.PutString(t.Context(), "ana", "secret"); err != nil {
		t.Fatal(err)
	}
	first.Shutdown()
	first.Shutdown()

	_, js = connect(t, startNATS(t, dir))
	kv, err = js.KeyValue(t.Context(), "accounts")
	if err != nil {
		t.Fatal(err)
	}
	entry, err := kv.Get(t.Context(), "ana")
	if err != nil || string(entry.Value()) != "secret" {
		t.Errorf("got %v, %v", entry, err)
	}
}

func TestTwoServersDoNotShareAFolder(t *testing.T) {
	dir := t.TempDir()
	first := startNATS(t, dir)
	_, err := embedded.StartNATS(embedded.NATSConfig{Dir: dir, Port: -1})
	if !errors.Is(err, embedded.ErrDirInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want ErrDirInUse naming the folder", err)
	}
	first.Shutdown()
	startNATS(t, dir)
}

func TestStartNeedsAFolder(t *testing.T) {
	if _, err := embedded.StartNATS(embedded.NATSConfig{}); err == nil {
		t.Error("started without a folder")
	}
	if _, err := embedded.StartNATS(embedded.NATSConfig{Dir: "/dev/null/x"}); err == nil {
		t.Error("started in a folder that cannot be")
	}
}

// takePort holds a port of loopback until the test ends.
func takePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln.Addr().(*net.TCPAddr).Port
}

// freePort is one that nobody holds right now.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().(*net.TCPAddr).Port
}

func port(t *testing.T, rawURL string) int {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	if u.Hostname() != "127.0.0.1" {
		t.Errorf("%s is not on loopback", rawURL)
	}
	p, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNATSTakesAnotherPortWhenTheUsualOneIsTaken(t *testing.T) {
	taken := takePort(t)
	n, err := embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir(), Port: taken})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Shutdown()
	if got := port(t, n.URL()); got == taken {
		t.Errorf("two servers on port %d", got)
	}
	connect(t, n)
}

func TestNATSTakesThePreferredPort(t *testing.T) {
	free := freePort(t)
	n, err := embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir(), Port: free})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Shutdown()
	if got := port(t, n.URL()); got != free {
		t.Errorf("got port %d, want %d", got, free)
	}
}

func TestNATSIsReadyWithinASecond(t *testing.T) {
	begin := time.Now()
	startNATS(t, t.TempDir())
	if took := time.Since(begin); took > time.Second {
		t.Errorf("took %s", took)
	}
}

func startRedis(t *testing.T, cfg embedded.RedisConfig) (*embedded.Redis, *redis.Client) {
	t.Helper()
	r, err := embedded.StartRedis(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Shutdown)
	options, err := redis.ParseURL(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return r, client
}

func TestTimePassesInTheEmbeddedRedis(t *testing.T) {
	_, client := startRedis(t, embedded.RedisConfig{Port: -1})
	ctx := t.Context()
	if err := client.Set(ctx, "short", "x", time.Second).Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.Set(ctx, "long", "x", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	// Asking is the only way to learn of it; each answer comes over the socket.
	deadline := time.Now().Add(10 * time.Second)
	for client.Exists(ctx, "short").Val() == 1 {
		if time.Now().After(deadline) {
			t.Fatal("a key with a second to live is there after ten")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if client.Exists(ctx, "long").Val() != 1 {
		t.Error("a key with an hour to live is gone")
	}
}

func TestRedisTakesAnotherPortWhenTheUsualOneIsTaken(t *testing.T) {
	taken := takePort(t)
	r, client := startRedis(t, embedded.RedisConfig{Port: taken})
	if got := port(t, r.URL()); got == taken {
		t.Errorf("two servers on port %d", got)
	}
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
	r.Shutdown()
	r.Shutdown()
	if err := client.Ping(t.Context()).Err(); err == nil {
		t.Error("it answers after its end")
	}
}
