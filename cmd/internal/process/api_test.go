package process

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"limegrove/internal/config"
)

func TestTheAPIMaySpeakTLS(t *testing.T) {
	known := httptest.NewTLSServer(http.NotFoundHandler()) // whose certificate is for loopback
	defer known.Close()
	own := known.TLS.Certificates[0]
	secret, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{
		certificate: {Type: "CERTIFICATE", Bytes: own.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	made, err := Make(config.Shared{}, config.API{Listen: "127.0.0.1:0", TLSCert: certificate, TLSKey: key}, false)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := ListenAPI(config.API{Listen: "127.0.0.1:0"}, made.API)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = srv.Serve(ln) // it is closed below
	}()
	answer, err := known.Client().Get("https://" + ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _ = answer.Body.Close(); answer.TLS == nil || answer.StatusCode != http.StatusNotFound {
		t.Errorf("%v", answer)
	}
	_ = srv.Close()
	<-ended

	if _, err := Make(config.Shared{}, config.API{TLSCert: key, TLSKey: key}, false); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "-api-tls-cert: ") {
		t.Errorf("with no certificate: %v", err)
	}
	if ln, err := ListenAPI(config.API{}, nil); ln != nil || err != nil {
		t.Errorf("without an address: %v, %v", ln, err)
	}
}
