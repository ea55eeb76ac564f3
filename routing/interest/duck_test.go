package interest_test

import (
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"limegrove/routing/interest"
)

// A broker that is about to go tells its clients the address of another, which these have never heard of.
func TestALameDuckLosesNoInterest(t *testing.T) {
	first, _ := start(t, server.Options{
		ServerName: "first", Cluster: server.ClusterOpts{Name: "pond", Host: "127.0.0.1", Port: server.RANDOM_PORT},
		LameDuckDuration: 20 * time.Millisecond, LameDuckGracePeriod: time.Millisecond,
	})
	route := &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", first.ClusterAddr().Port)}
	second, _ := start(t, server.Options{
		ServerName: "second", Cluster: server.ClusterOpts{Name: "pond", Host: "127.0.0.1", Port: server.RANDOM_PORT}, Routes: []*url.URL{route},
	})
	eventually(t, "they know each other", func() bool { return first.NumRoutes() > 0 && second.NumRoutes() > 0 })
	nc := connect(t, first.ClientURL(), interest.Option())
	eventually(t, "the client knows both", func() bool { return len(nc.DiscoveredServers()) > 0 })
	l := listen(t, nc, 8)
	l.Add("ana")
	flush(t, nc)
	gone := make(chan struct{})
	go func() {
		first.LameDuckShutdown()
		close(gone)
	}()
	at := fmt.Sprintf("nats://127.0.0.1:%d", second.Addr().(*net.TCPAddr).Port)
	eventually(t, "the client is with the other", func() bool { return nc.IsConnected() && nc.ConnectedUrl() == at })
	<-gone
	publish(t, nc, "to.ana.1", "x")
	l.want("what it listened to is there", "to.ana.1", "x")
}
