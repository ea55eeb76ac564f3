package e2e

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v2"
)

// Where what is tried is.
const (
	alertRules      = "../k8s/monitoring/alerts.yaml"
	alertRulesTests = "../k8s/monitoring/alerts_test.yaml"
	dashboardFiles  = "../k8s/monitoring/dashboards/*.json"
)

// TestMonitoring: a Prometheus scrapes a cluster that has everything switched on. All metrics are documented, all that dashboards
// and alerts look at is there, and who should be is told when Redis goes.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	m := startMonitored(t)
	m.play(t, 0)
	t.Run("every metric is documented", m.documented)
	t.Run("what is looked at is there", m.looks)
	t.Run("somebody is told when Redis is away", m.tellsOfRedis)
}

// monitored is a cluster under load, and who looks at it.
type monitored struct {
	*temple
	prometheus             string   // host:port
	edgePages, routerPages []string // host:port of admin pages

	ana, rui, lia, zoe *session
	group              string
	visitor            *actor
	lobby              string
}

func startMonitored(t *testing.T) *monitored {
	t.Helper()
	_, hooks := startHook(t, "")
	dir := t.TempDir()
	rules := filepath.Join(dir, "rooms.json")
	if err := os.WriteFile(rules, []byte(rulesOfRooms), 0o600); err != nil {
		t.Fatal(err)
	}
	shared := []string{
		"-domain", "channels.localhost", "-domain", "kiosks.localhost", "-events", "all", "-webhooks", hooks, "-room-rules", rules,
		"-trace-endpoint", "http://" + address(freePorts(t, 1)),
		"-auth-webhook", "http://" + address(freePorts(t, 1)) + "/", "-auth-webhook-secret", "a secret of sixteen bytes",
		"-files-url", "http://" + address(freePorts(t, 1)),
	}
	door := []string{
		"-bachata", "/messages", "-bachata-domain", "channels.localhost", "-bachata-auth", "open", "-compression", "5",
		"-tcp", address(0), "-auth", "guest,plain,key,external", "-drain-timeout", "5s",
		"-files", address(0), "-aioconnectors", address(0), "-aioconnectors-domain", "kiosks.localhost",
	}
	m := &monitored{temple: startTemple(t, 2, shared, door...)}
	certificate, key := newCertificate(t)
	folder := filepath.Join(t.TempDir(), "certs")
	newShell(t).does(0, "authority.pem", "", "certs", "create", folder, loopback)
	covered := m.addEdge(t, append(slices.Clone(m.flags), "-tls-cert", certificate, "-tls-key", key, "-authority", folder)...)
	pages := address(freePorts(t, 1))
	backend := m.startBackend(t, "router-2", "-admin", pages, "-authority", folder)
	shake(t, covered)
	backend.posts("makes an account", http.StatusCreated, "/v1/accounts", fmt.Sprintf(`{"identity":"made@%s","password":%q}`, domain, secret(password)))
	for _, e := range m.edges {
		m.edgePages = append(m.edgePages, e.admin)
	}
	m.routerPages = []string{m.routerAdmin, pages}

	here, there := m.edges[0], m.edges[1]
	m.ana, m.rui = guest(t, goLibrary, here, "ana/home"), guest(t, goLibrary, there, "rui/desk")
	m.lia, m.zoe = m.person(t, goLibrary, here, "lia"), m.person(t, goLibrary, there, "zoe")
	m.group = m.name("ops") + groupOf
	m.lia.wantDone("makes a group", "set", "/groups", "group", map[string]any{"identity": m.group, "name": "Ops"})
	m.lia.wantDone("adds a member", "set", "/groups/"+m.group+"/members", "groupmember", map[string]any{"address": m.zoe.identity()})
	m.visitor = arrive(t, there, "visitor@localhost", "")
	m.lobby = m.visitor.enters("/public/lobby", "")
	m.comes(t, here, news)
	inChannel(t, there, "news")
	m.watch(t, dir)
	return m
}

// shake shakes hands with an edge in TLS.
func shake(t *testing.T, e *edge) {
	t.Helper()
	at := strings.TrimSuffix(strings.TrimPrefix(e.url, "wss://"), "/")
	c, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// watch starts a Prometheus that scrapes every second, with the alerts' rules, but for the times that they wait.
func (m *monitored) watch(t *testing.T, dir string) {
	t.Helper()
	rules, err := os.ReadFile(alertRules)
	if err != nil {
		t.Fatal(err)
	}
	rules = regexp.MustCompile(`(?m)^ +for: .*\n`).ReplaceAll(rules, nil)
	config := fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs:
  - {job_name: limegrove-edges, static_configs: [{targets: [%s]}]}
  - {job_name: limegrove-routers, static_configs: [{targets: [%s]}]}
`, strings.Join(m.edgePages, ","), strings.Join(m.routerPages, ","))
	err = errors.Join(
		os.WriteFile(filepath.Join(dir, "rules.yaml"), rules, 0o600), os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	m.prometheus = address(freePorts(t, 1))
	startProcess(t, "prometheus", dir, installed(t, "prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data",
		"--web.listen-address="+m.prometheus, "--log.level=warn")
	eventually(t, "Prometheus is ready", patience, func() error {
		_, err := page(t.Context(), m.prometheus, "/-/ready")
		return err
	})
}

// installed is where a program is.
func installed(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is not installed, which `make deps` does: %v", program, err)
	}
	return path
}

// play has clients do what all of the metrics that are looked at count.
func (m *monitored) play(t *testing.T, round int) {
	t.Helper()
	here, there := m.edges[0], m.edges[1]
	for i := range 16 {
		content := fmt.Sprintf("%d-%d", round, i)
		m.ana.send(text(content, m.rui.node, content))
		m.rui.wantText("it is stored, and comes", content)
		m.lia.send(text(content, m.group, content))
		m.zoe.wantText("from the group", content)
	}
	quick := fmt.Sprint("quick ", round)
	m.ana.send(text("", m.rui.node, quick))
	m.rui.wantText("what is not stored", quick)
	m.ana.send(text("", "nobody@localhost/x", "there is nobody"))
	m.visitor.call(m.lobby, quick)
	m.visitor.wantRead("in a room", quick)
	m.lia.setPresence(map[string]any{"status": "available", "routingRule": "identity", "message": quick})
	guest(t, goLibrary, there, m.name("guest")+"/x").finish()
	refused(t, goLibrary, here, m.lia.node, secret("wrong"))
	turnedAway(t, here)
}

// turnedAway asks an edge for an upgrade that is none.
func turnedAway(t *testing.T, e *edge) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(e.url, "ws:", "http:", 1), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	request.Header.Set("Upgrade", "websocket")
	request.Header.Set("Connection", "Upgrade")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("an upgrade without a key gets %s", response.Status)
	}
}

// ask asks Prometheus.
func (m *monitored) ask(ctx context.Context, path string, into any) error {
	text, err := page(ctx, m.prometheus, path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// data returns an error unless an expression has a value that is a number.
func (m *monitored) data(ctx context.Context, expression string) error {
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := m.ask(ctx, "/api/v1/query?query="+url.QueryEscape(expression), &answer); err != nil {
		return err
	}
	for _, r := range answer.Data.Result {
		if r.Value[1] != "NaN" {
			return nil
		}
	}
	return fmt.Errorf("no data of %d series: %s", len(answer.Data.Result), expression)
}

// looks: all queries of all dashboards, and what all alerts compare, have data.
func (m *monitored) looks(t *testing.T) {
	left := map[string]string{}
	files, err := filepath.Glob(dashboardFiles)
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	for _, file := range files {
		for _, q := range queriesOf(t, file) {
			left[q] = filepath.Base(file)
		}
	}
	boards := len(left)
	for name, parts := range alerts(t) {
		for _, p := range parts {
			left[p] = name
		}
	}
	if boards < 80 || len(left) < boards+20 {
		t.Fatalf("there are only %d queries of dashboards, and %d of alerts", boards, len(left)-boards)
	}
	round := 0
	took := eventually(t, "all has data", patience, func() error {
		round++
		m.play(t, round)
		var errs []error
		for _, q := range slices.Sorted(maps.Keys(left)) {
			if err := m.data(t.Context(), q); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", left[q], err))
			} else {
				delete(left, q)
			}
		}
		return errors.Join(errs...)
	})
	t.Logf("after %s and %d rounds", took, round)
}

// queriesOf are those of a dashboard, with what Grafana would fill in.
func queriesOf(t *testing.T, file string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$__rate_interval", "30s", "$instance", ".+")
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			all = append(all, fill.Replace(q.Expr))
		}
	}
	return all
}

// alerts are the rules' expressions by the alerts' names, in the parts that are joined by "and", each without what it is
// compared with.
func alerts(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for name, rule := range alertsOf(t) {
		for _, part := range strings.Split(rule.Expr, " and ") {
			i := strings.LastIndexAny(part, "<>")
			if i < 0 {
				t.Fatalf("%s compares nothing: %s", name, part)
			}
			all[name] = append(all[name], part[:i])
		}
	}
	return all
}

// tellsOfRedis: nothing is said of it before, and soon after.
func (m *monitored) tellsOfRedis(t *testing.T) {
	const alert = "LimegroveRedisAway"
	firing := func() (names []string, err error) {
		var answer struct {
			Data struct {
				Alerts []struct {
					State  string
					Labels struct{ AlertName, Instance, Severity string }
				}
			}
		}
		err = m.ask(t.Context(), "/api/v1/alerts", &answer)
		for _, a := range answer.Data.Alerts {
			if a.State == "firing" {
				names = append(names, a.Labels.AlertName+" "+a.Labels.Instance)
			}
		}
		return names, err
	}
	told := func(names []string) int {
		n := 0
		for _, e := range m.edgePages {
			if slices.Contains(names, alert+" "+e) {
				n++
			}
		}
		return n
	}
	if names, err := firing(); err != nil || told(names) > 0 {
		t.Fatalf("before it, %v, %v", names, err)
	}
	m.redis.Stop()
	took := eventually(t, "it is told of each edge", patience, func() error {
		names, err := firing()
		if err == nil && told(names) < len(m.edgePages) {
			err = fmt.Errorf("there is only %q", names)
		}
		return err
	})
	t.Logf("told after %s", took)
}

// TestAlertRules: promtool takes the rules, and what they are tried with; each has who is to hurry, and a runbook that is there.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	tool := installed(t, "promtool")
	for _, args := range [][]string{{"check", "rules", alertRules}, {"test", "rules", alertRulesTests}} {
		if out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	headings := headingsOf(t, "../docs/operations.md")
	tests, err := os.ReadFile(alertRulesTests)
	if err != nil {
		t.Fatal(err)
	}
	for name, rule := range alertsOf(t) {
		if !regexp.MustCompile(`alertname(: |=")` + name + `\b`).Match(tests) {
			t.Errorf("%s has no test in %s", name, alertRulesTests)
		}
		if rule.Labels["severity"] != "critical" && rule.Labels["severity"] != "warning" || rule.Annotations["summary"] == "" {
			t.Errorf("%s is %v, %v", name, rule.Labels, rule.Annotations)
		}
		file, heading, _ := strings.Cut(rule.Annotations["runbook"], "#")
		if file != "docs/operations.md" || !strings.Contains(headings[heading], "`"+name+"`") {
			t.Errorf("%s has the runbook %s, which is no heading under which it is named", name, rule.Annotations["runbook"])
		}
	}
}

// alertRule is a rule that tells somebody.
type alertRule struct {
	Alert, Expr         string
	Labels, Annotations map[string]string
}

// alertsOf are the rules by their names.
func alertsOf(t *testing.T) map[string]alertRule {
	t.Helper()
	text, err := os.ReadFile(alertRules)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []struct{ Rules []alertRule } }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	all := map[string]alertRule{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert != "" {
				all[r.Alert] = r
			}
		}
	}
	if len(all) < 20 {
		t.Fatalf("there are only %d alerts", len(all))
	}
	return all
}

// headingsOf are the texts below a page's headings, by what links call these.
func headingsOf(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all, at := map[string]string{}, ""
	for line := range strings.Lines(string(text)) {
		if heading, is := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); is && strings.HasPrefix(line, "#") {
			at = strings.ToLower(strings.TrimSpace(heading))
			at = regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(at, "")
			at = strings.ReplaceAll(at, " ", "-")
		}
		all[at] += line
	}
	return all
}
