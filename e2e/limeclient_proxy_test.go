package e2e

import (
	"crypto/tls"
	"errors"
	"net/url"
	"testing"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/lime/client/clienttest"
)

// TestClientGoesThroughProxies: lime/client reaches edges by CONNECT, over each transport, with
// and without TLS up to the edge and up to the proxy, and with the credentials that the proxy
// wants.
func TestClientGoesThroughProxies(t *testing.T) {
	t.Parallel()
	certificate, key := newCertificate(t)
	trust := believe(t, certificate)
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	who := url.UserPassword("kiosk 7", "a:secret@")
	proxies := map[string]*clienttest.Proxy{
		"HTTP":             clienttest.NewProxy(nil, nil),
		"HTTP with Basic":  clienttest.NewProxy(who, nil),
		"HTTPS with Basic": clienttest.NewProxy(who, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}),
	}
	for _, p := range proxies {
		t.Cleanup(p.Close)
	}
	for _, kind := range []struct {
		flags []string
		ways  []way
	}{
		{nil, []way{
			{"WebSocket", func(e *edge) string { return e.url }, client.PreferTLS},
			{"TCP", overTCP, client.PreferTLS},
		}},
		{[]string{"-tls-cert", certificate, "-tls-key", key, "-tcp-encryption", "tls,none"}, []way{
			{"WebSocket over TLS", func(e *edge) string { return e.url }, client.RequireTLS},
			{"TCP with TLS", overTCP, client.RequireTLS},
		}},
	} {
		c := startCluster(t, 1, append(kind.flags, "-tcp", address(0))...)
		for _, w := range kind.ways {
			for name, p := range proxies {
				t.Run(w.name+" by "+name, func(t *testing.T) {
					before := p.Tunnels()
					cfg := client.Config{
						Node: lime.MustParseNode(c.name("ana") + "@" + domain + "/home"), Encryption: w.encryption, TLS: trust,
						Proxy: client.FixedProxy(p.URL()), ProxyTLS: trust,
					}
					me, err := client.Dial(t.Context(), w.url(c.edges[0]), cfg)
					if err != nil {
						t.Fatal(err)
					}
					defer me.Close()
					if err := me.Publish(t.Context(), &lime.Message{To: me.Node(), Type: lime.MediaText, Content: []byte(`"hello"`)}); err != nil {
						t.Error(err)
					}
					for m, err := range me.Messages(t.Context()) {
						if err != nil || string(m.Content) != `"hello"` {
							t.Errorf("%v, %v", m, err)
						}
						break
					}
					if n := p.Tunnels() - before; n != 1 {
						t.Errorf("%d tunnels", n)
					}
					if p.URL().User == nil {
						return
					}
					stranger := p.URL()
					stranger.User = url.UserPassword("kiosk 7", "another")
					cfg.Proxy = client.FixedProxy(stranger)
					_, err = client.Dial(t.Context(), w.url(c.edges[0]), cfg)
					if told := new(client.ProxyError); !errors.As(err, &told) || told.Status != 407 {
						t.Errorf("with another password: %v", err)
					}
				})
			}
		}
	}
}
