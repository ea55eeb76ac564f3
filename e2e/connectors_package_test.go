//go:build connectors

package e2e

import (
	"encoding/json"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"limegrove/certs"
)

var (
	connectorsPackage = flag.String("connectors-package", "", "folder that has the package aioconnectors, or . for what python has installed; empty for not")
	connectorsPython  = flag.String("connectors-python", "python3", "the interpreter for -connectors-package")
	connectorsFile    = flag.Int("connectors-file", 100<<20, "bytes of the file that connectors send")
	connectorsBurst   = flag.Int("connectors-burst", 3000, "messages that connectors send at once")
)

// driven is what connectors/driver.py is given.
type driven struct {
	Package      string   `json:"package"`
	Dir          string   `json:"dir"`
	Edges        [][2]any `json:"edges"`
	Mode         string   `json:"mode"`
	Certificates string   `json:"certificates,omitempty"`
	Other        string   `json:"other,omitempty"` // of an impostor
	Messages     int      `json:"messages"`
	File         int      `json:"file"`
}

// TestConnectorsOfThePackage has the package aioconnectors itself run its connectors. It is for those who have it, and `make connectors`.
func TestConnectorsOfThePackage(t *testing.T) {
	if *connectorsPackage == "" {
		t.Fatal("-connectors-package names no folder with the package, and no . for what is installed")
	}
	t.Run("in clear", func(t *testing.T) {
		c := startConnectors(t, 0)
		drive(t, c, driven{Mode: "plain"}, aioFlags("depot@aio.localhost")...)
	})
	t.Run("in TLS", func(t *testing.T) {
		certificate, key := newCertificate(t)
		c := startConnectors(t, 0)
		drive(t, c, driven{Mode: "tls"}, append(aioFlags("depot@aio.localhost"), "-aioconnectors-tls", "-tls-cert", certificate, "-tls-key", key)...)
	})
	t.Run("by tokens", func(t *testing.T) {
		certificate, key := newCertificate(t)
		c := startConnectors(t, 0)
		drive(t, c, driven{Mode: "token"}, append(aioFlags("depot@aio.localhost"), "-aioconnectors-tls", "-aioconnectors-tokens", "-tls-cert", certificate, "-tls-key", key)...)
	})
	t.Run("by certificates", func(t *testing.T) {
		a := newConnectorAuthority(t)
		c := startConnectors(t, 0, "-authority", a.dir)
		drive(t, c, driven{Mode: "certificate", Certificates: a.tree(t), Other: a.tree(t)}, a.flags()...)
	})
}

// drive runs the driver at two edges.
func drive(t *testing.T, c *cluster, d driven, flags ...string) {
	t.Helper()
	for range 2 {
		host, port, err := net.SplitHostPort(c.addEdge(t, flags...).wantPrinted(t, `aioconnectors +(\S+)`)[1])
		must(t, err)
		n, err := strconv.Atoi(port)
		must(t, err)
		d.Edges = append(d.Edges, [2]any{host, n})
	}
	dir, err := os.MkdirTemp("", "aio") //nolint:usetesting // paths of unix sockets are short
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	d.Dir, d.Messages, d.File = dir, *connectorsBurst, *connectorsFile
	if *connectorsPackage != "." {
		d.Package, err = filepath.Abs(*connectorsPackage)
		must(t, err)
	}
	given, err := json.Marshal(d)
	must(t, err)
	out, err := exec.CommandContext(t.Context(), *connectorsPython, filepath.Join("connectors", "driver.py"), string(given)).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		logs, failed := filepath.Glob(filepath.Join(dir, "*", "log"))
		must(t, failed)
		for _, name := range logs {
			log, failed := os.ReadFile(name)
			t.Logf("%s (%v):\n%s", name, failed, log)
		}
		t.Fatal(err)
	}
}

// tree writes what a connector of the package has before its first connection.
func (a *connectorAuthority) tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(a.dir, name))
		must(t, err)
		return b
	}
	for name, text := range map[string][]byte{
		"client-certs/default.pem": read(certs.FileDefault), "client-certs/default.key": read(certs.FileDefaultKey), "server-cert/server.pem": read(certs.FileAuthority),
	} {
		file := filepath.Join(dir, "certificates", "client", name)
		must(t, os.MkdirAll(filepath.Dir(file), 0o700))
		must(t, os.WriteFile(file, text, 0o600))
	}
	return dir
}
