package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"limegrove/certs"
	"limegrove/lime"
)

// connectorAuthority is that of connectors, in a folder, with the default certificate, and the certificate of the edges.
type connectorAuthority struct {
	dir         string
	own         *certs.Authority
	server, key string // files
	byDefault   tls.Certificate
}

func newConnectorAuthority(t *testing.T) *connectorAuthority {
	t.Helper()
	a := &connectorAuthority{dir: t.TempDir()}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "authority of connectors"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	keyPEM, err := certs.EncodeKey(key)
	must(t, err)
	a.own, err = certs.ReadAuthority(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), keyPEM)
	must(t, err)
	files := map[string][]byte{certs.FileAuthority: certs.EncodeCertificates(a.own.Certificate()), certs.FileKey: keyPEM}
	for name, sign := range map[string]func(*ecdsa.PrivateKey) (*x509.Certificate, error){
		"server": func(k *ecdsa.PrivateKey) (*x509.Certificate, error) {
			return a.own.Server([]string{"localhost", "127.0.0.1"}, k.Public(), time.Hour)
		},
		"default": func(k *ecdsa.PrivateKey) (*x509.Certificate, error) { return a.own.Default(k.Public(), time.Hour) },
	} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		leaf, err := sign(key)
		must(t, err)
		text, err := certs.EncodeKey(key)
		must(t, err)
		files[name+".pem"], files[name+".key"] = certs.EncodeCertificates(leaf), text
	}
	must(t, certs.Write(a.dir, false, files))
	a.server, a.key = filepath.Join(a.dir, certs.FileServer), filepath.Join(a.dir, certs.FileServerKey)
	a.byDefault, err = tls.X509KeyPair(files["default.pem"], files["default.key"])
	must(t, err)
	return a
}

func (a *connectorAuthority) flags() []string {
	return append(aioFlags("depot@aio.localhost"), "-aioconnectors-tls", "-aioconnectors-certificates", "-tls-cert", a.server, "-tls-key", a.key)
}

// with shows a certificate, and wants the server's to be the authority's.
func (a *connectorAuthority) with(shown ...tls.Certificate) func(net.Conn) net.Conn {
	return func(nc net.Conn) net.Conn {
		return tls.Client(nc, &tls.Config{Certificates: shown, RootCAs: certs.Pool(a.own.Certificate()), ServerName: "localhost"})
	}
}

// asks has a connector ask for its own certificate by the default one. It is not ok when it gets nothing but the end.
func (a *connectorAuthority) asks(t *testing.T, at *edge, name string) (own tls.Certificate, ok bool) {
	t.Helper()
	k := connectSaying(t, at, a.with(a.byDefault), name, aioFrame(`{"message_type":"_ssl","source_id":"`+name+`"}`, `{"cmd": "get_new_certificate"}`))
	var frame string
	select {
	case frame, ok = <-k.in:
	case <-time.After(patience):
		t.Fatalf("%s gets nothing, and is connected", name)
	}
	if !ok {
		return own, false
	}
	header := `{"message_type":"_ssl","source_id":"` + aioServer + `"}`
	if !strings.HasPrefix(frame[6:], header) {
		t.Fatalf("%s is told %.200q", name, frame)
	}
	var told struct{ Cmd, Crt, Key string }
	must(t, json.Unmarshal([]byte(frame[6+len(header)+4:]), &told))
	if told.Cmd != "set_new_certificate" {
		t.Errorf("it is told to %s", told.Cmd)
	}
	k.isClosed("it is to come again")
	own, err := tls.X509KeyPair([]byte(told.Crt), []byte(told.Key))
	must(t, err)
	return own, true
}

// TestConnectorsByCertificate has two connectors at two edges be given certificates of their own, by frames as they are documented.
func TestConnectorsByCertificate(t *testing.T) {
	t.Parallel()
	a := newConnectorAuthority(t)
	c := startConnectors(t, 0, "-authority", a.dir)
	here, there := c.addEdge(t, a.flags()...), c.addEdge(t, a.flags()...)
	own, ok := a.asks(t, here, "Kiosk:7")
	of, ok2 := a.asks(t, there, "depot")
	if !ok || !ok2 {
		t.Fatal("the first who ask for names are given no certificates")
	}
	kiosk := connectSaying(t, there, a.with(own), "Kiosk:7", "")
	depot := connectSaying(t, here, a.with(of), "depot", "")
	kiosk.sends("any", `,"transport_id":1,"with_binary":true`, `{"n": 1}`, "\x00\xff")
	kiosk.isAcknowledged("it is stored", 1)
	depot.gets("who has said nothing is let in by its certificate", "any", "Kiosk:7", `,"with_binary":true`, `{"n": 1}`, "\x00\xff")

	t.Run("a file in pieces", func(t *testing.T) {
		const pieces, size = 12, 300_000
		whole := make([]byte, pieces*size)
		for i := range whole {
			whole[i] = byte(i * 2654435761 >> 16)
		}
		for i := range pieces {
			name := fmt.Sprintf("f__aioconnectors_chunk_%d_%d", i+1, pieces)
			kiosk.sends("file", fmt.Sprintf(`,"with_file":{"dst_type":"report","dst_name":"%s","chunked":["f__aioconnectors_chunk",%d,%d]},"with_binary":true`, name, i+1, pieces), "{}", string(whole[i*size:(i+1)*size]))
		}
		got := map[string]string{}
		last := ""
		for range pieces {
			frame := <-depot.in
			n := int(binary.LittleEndian.Uint16([]byte(frame[4:])))
			var header struct {
				File struct {
					Name string `json:"dst_name"`
				} `json:"with_file"`
			}
			must(t, json.Unmarshal([]byte(frame[6:6+n]), &header))
			if header.File.Name <= last {
				t.Errorf("%s comes behind %s", header.File.Name, last)
			}
			last = header.File.Name
			got[last] = frame[6+n+4+2+4:]
		}
		sum := sha256.New()
		for i := range pieces {
			sum.Write([]byte(got[fmt.Sprintf("f__aioconnectors_chunk_%02d_%d", i+1, pieces)]))
		}
		if want := sha256.Sum256(whole); string(sum.Sum(nil)) != string(want[:]) {
			t.Error("the file is another one")
		}
	})

	t.Run("topics", func(t *testing.T) {
		kiosk.subscribes("news")
		depot.subscribes("news")
		depot.sends("_pubsub", `,"message_type_publish":"news"`, "of depot")
		kiosk.gets("what is published", "news", aioServer, "", "of depot")
		depot.gets("its own copy", "news", aioServer, "", "of depot")
	})

	t.Run("an impostor", func(t *testing.T) {
		if _, ok := a.asks(t, there, "Kiosk:7"); ok {
			t.Error("a name that is taken is given a second certificate")
		}
		if _, ok := a.asks(t, there, "kiosk:7"); !ok {
			t.Error("by other capitals it is another name")
		}
		k := connectSaying(t, there, a.with(a.byDefault), "Kiosk:7", aioFrame(`{"message_type":"any","source_id":"Kiosk:7"}`, "as another")+
			aioFrame(`{"message_type":"_handshake_ssl","source_id":"Kiosk:7"}`, "hello")+
			aioFrame(`{"message_type":"_ssl","source_id":"Kiosk:7"}`, `{"cmd": "set_new_certificate"}`))
		k.isClosed("by the default certificate nothing else is to be had")
		for name, data := range map[string]string{"../etc": `{"cmd": "get_new_certificate"}`, "default": `{"cmd": "get_new_certificate"}`, "eve": `{"cmd"`} {
			connectSaying(t, here, a.with(a.byDefault), name, aioFrame(`{"message_type":"_ssl","source_id":"`+name+`"}`, data)).isClosed(name)
		}
		depot.write(aioFrame(`{"message_type":"any","source_id":"Kiosk:7"}`, "as another"))
		depot.getsNothing("what it says as another is dropped, and it stays")
		other := newConnectorAuthority(t)
		for what, shown := range map[string][]tls.Certificate{"another authority's": {other.byDefault}, "none": nil} {
			nc, err := net.Dial("tcp", here.wantPrinted(t, `aioconnectors +(\S+)`)[1])
			must(t, err)
			defer nc.Close()
			secure := a.with(shown...)(nc)
			_, err = secure.Write([]byte(aioFrame(`{"message_type":"_ssl","source_id":"eve"}`, `{"cmd": "get_new_certificate"}`)))
			if err == nil {
				_, err = secure.Read(make([]byte, 1))
			}
			if err == nil || !strings.Contains(err.Error(), "tls: ") {
				t.Errorf("the certificate is %s: %v", what, err)
			}
		}
	})

	t.Run("many who ask for one name", func(t *testing.T) {
		many := make([]*connector, 8)
		for i := range many {
			many[i] = connectSaying(t, []*edge{here, there}[i%2], a.with(a.byDefault), "many", "")
		}
		for _, k := range many {
			k.write(aioFrame(`{"message_type":"_ssl","source_id":"many"}`, `{"cmd": "get_new_certificate"}`))
		}
		given := 0
		for _, k := range many {
			for frame := range k.in { // until it ends
				if strings.Contains(frame, "set_new_certificate") {
					given++
				}
			}
		}
		if given != 1 {
			t.Errorf("%d are given a certificate", given)
		}
	})

	t.Run("what is no frame", func(t *testing.T) {
		evil, ok := a.asks(t, here, "evil")
		if !ok {
			t.Fatal("it is given no certificate")
		}
		for what, bytes := range map[string]string{
			"a huge length": "\xff\xff\xff\xff\x02\x00{}", "no length": "\x00\x00\x00\x00", "a header longer than the frame": "\x10\x00\x00\x00\xff\xff{}............",
			"no JSON": aioFrame("{", ""), "a list": aioFrame("[]", ""),
		} {
			connectSaying(t, here, a.with(a.byDefault), "evil", bytes).isClosed(what + ", by the default certificate")
			connectSaying(t, there, a.with(evil), "evil", bytes).isClosed(what + ", by its own")
		}
		for _, name := range []string{`7`, `"a\u0000b"`, `"a b"`, `"../a"`, `null`, `{}`} {
			connectSaying(t, here, a.with(a.byDefault), "evil", aioFrame(`{"message_type":"_ssl","source_id":`+name+`}`, `{"cmd": "get_new_certificate"}`)).isClosed(name)
		}
		depot.getsNothing("nobody else is concerned")
	})

	t.Run("a certificate is revoked", func(t *testing.T) {
		nc, err := nats.Connect(c.broker)
		must(t, err)
		defer nc.Close()
		js, err := jetstream.New(nc)
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		registry, err := certs.Open(ctx, certs.Config{JetStream: js})
		must(t, err)
		_, err = registry.Revoke(ctx, lime.MustParseIdentity("%4biosk%3a7@aio.localhost"), true, "a test")
		must(t, err)
		kiosk.isClosed("it is cut, wherever it is")
		for _, at := range []*edge{here, there} {
			connectSaying(t, at, a.with(own), "Kiosk:7", "").isClosed("it does not come in again")
		}
		if _, ok := a.asks(t, here, "Kiosk:7"); !ok {
			t.Error("the name is not free again")
		}
		depot.getsNothing("others stay")
	})
}
