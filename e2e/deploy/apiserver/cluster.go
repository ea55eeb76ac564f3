package apiserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"limegrove/e2e/programs"
)

const (
	// Host is where everything listens.
	Host     = "127.0.0.1"
	patience = 2 * time.Minute // for whatever a busy machine may be slow at
)

// Cluster is an API server, with what it needs.
type Cluster struct {
	dir    string
	url    string
	token  string
	client *http.Client
	all    []*exec.Cmd
}

// Start starts etcd and an API server, in a folder.
func Start(ctx context.Context, dir string) (c *Cluster, err error) {
	c = &Cluster{dir: dir, client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the server makes its certificate itself, on loopback
	}}}
	defer func() {
		if err != nil {
			c.Stop()
		}
	}()
	ports, err := FreePorts(3)
	if err != nil {
		return c, err
	}
	etcd, peers, secure := ports[0], ports[1], ports[2]
	c.url = "https://" + net.JoinHostPort(Host, secure)
	c.token = "t" + rand.Text()
	tokens, key := filepath.Join(dir, "tokens.csv"), filepath.Join(dir, "accounts.pem")
	front := newFrontProxy(dir)
	if err := errors.Join(
		os.WriteFile(tokens, []byte(c.token+",operator,operator,system:masters\n"), 0o600),
		writeKey(key),
		front.write(),
		c.writeKubeconfig(),
	); err != nil {
		return c, err
	}

	at := func(port string) string { return "http://" + net.JoinHostPort(Host, port) }
	if err := c.Run(ctx, "etcd", "--data-dir="+filepath.Join(dir, "etcd"),
		"--listen-client-urls="+at(etcd), "--advertise-client-urls="+at(etcd),
		"--listen-peer-urls="+at(peers), "--initial-advertise-peer-urls="+at(peers), "--initial-cluster=default="+at(peers), "--unsafe-no-fsync"); err != nil {
		return c, err
	}
	args := append(front.flags(), "--etcd-servers="+at(etcd), "--bind-address="+Host, "--secure-port="+secure,
		"--cert-dir="+filepath.Join(dir, "serving"), "--token-auth-file="+tokens, "--authorization-mode=RBAC",
		"--service-account-key-file="+key, "--service-account-signing-key-file="+key, "--service-account-issuer=https://kubernetes.default.svc",
		"--service-cluster-ip-range=10.96.0.0/16")
	if err := c.Run(ctx, "kube-apiserver", args...); err != nil {
		return c, err
	}
	err = c.Eventually(ctx, "the API server is ready", func() error { return c.Do(ctx, http.MethodGet, "/readyz", "", nil) })
	return c, err
}

// Run starts one of the tools. What it prints is in a file of the folder.
func (c *Cluster) Run(ctx context.Context, name string, args ...string) error {
	path, err := programs.Tool(ctx, name)
	if err != nil {
		return err
	}
	return c.RunProgram(name, path, args...)
}

// RunProgram is Run of any program.
func (c *Cluster) RunProgram(name, path string, args ...string) error {
	log, err := os.Create(filepath.Join(c.dir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()                  // the process has its own
	cmd := exec.Command(path, args...) //nolint:gosec,noctx // our own programs, which end with us
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = programs.Attributes()
	if err := cmd.Start(); err != nil {
		return err
	}
	c.all = append(c.all, cmd)
	return nil
}

// Stop ends everything, the last first.
func (c *Cluster) Stop() {
	for i := len(c.all) - 1; i >= 0; i-- {
		_ = c.all[i].Process.Kill() // it may have ended
		_ = c.all[i].Wait()         // by our signal
	}
}

// Create makes an object, or says what it would make. A warning is an error.
func (c *Cluster) Create(ctx context.Context, object []byte, dry bool) error {
	k := KindOf(object)
	where := k.Place() + "?fieldValidation=Strict"
	if dry {
		where += "&dryRun=All"
	}
	if err := c.Do(ctx, http.MethodPost, where, "application/json", object); err != nil {
		return fmt.Errorf("%s %s: %w", k.Kind, k.Metadata.Name, err)
	}
	return nil
}

// Do asks the API server. A warning is an error.
func (c *Cluster) Do(ctx context.Context, method, where, form string, body []byte) error {
	_, err := c.ask(ctx, method, where, form, body)
	return err
}

// Get asks the API server for what is somewhere.
func (c *Cluster) Get(ctx context.Context, where string, into any) error {
	text, err := c.ask(ctx, http.MethodGet, where, "", nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// Patch changes an object, in the merging way.
func (c *Cluster) Patch(ctx context.Context, where, change string) error {
	return c.Do(ctx, http.MethodPatch, where, "application/merge-patch+json", []byte(change))
}

func (c *Cluster) ask(ctx context.Context, method, where, form string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+where, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	if form != "" {
		request.Header.Set("Content-Type", form)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	switch warned := response.Header.Values("Warning"); {
	case err != nil:
		return nil, err
	case response.StatusCode >= http.StatusBadRequest:
		return nil, fmt.Errorf("%s: %s", response.Status, text)
	case len(warned) > 0:
		return nil, fmt.Errorf("warned: %s", warned)
	}
	return text, nil
}

// Eventually tries until there is no error any more, or too much time is over.
func (c *Cluster) Eventually(ctx context.Context, what string, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not so: %s: %w", what, err)
		case <-tick.C:
		}
	}
}

// FreePorts are ports that nobody listened on a moment ago.
func FreePorts(n int) (ports []string, err error) {
	var all []net.Listener // at once, so that no two are the same
	defer func() {
		for _, l := range all {
			_ = l.Close()
		}
	}()
	for range n {
		l, err := net.Listen("tcp", Host+":0")
		if err != nil {
			return nil, err
		}
		all = append(all, l)
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}
