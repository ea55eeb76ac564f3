package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"limegrove/internal/redistest"
)

var overlays = []string{"overlays/small", "overlays/production", "overlays/production-keda", "overlays/production-files"}

// TestManifestsFitThePrograms: each overlay is what an API server takes, and says what the programs understand. Then things are made wrong,
// one by one, and each has to be found.
func TestManifestsFitThePrograms(t *testing.T) {
	made := manifests(t, overlays...)
	known := run(t)
	known.adapter = adapterMetrics(t)
	for _, name := range overlays {
		t.Run(filepath.Base(name), func(t *testing.T) {
			all := parseObjects(t, made[name])
			if wrong := all.check(known); len(wrong) > 0 {
				t.Error(together(wrong))
			}
			checkNATS(t, all)
			checkRedis(t, all)
			checkImages(t, all)
		})
	}
	t.Run("what is wrong is found", func(t *testing.T) { everyMistakeIsFound(t, made, known) })
	t.Run("the README names what exists", func(t *testing.T) { checkReadme(t, known) })
	t.Run("with files NATS has more room, and nothing else is different", func(t *testing.T) {
		for i, line := range strings.Split(read(t, "../../k8s/nats/nats.conf"), "\n") {
			other := strings.Split(read(t, "../../k8s/overlays/production-files/nats.conf"), "\n")
			if setting, _, _ := strings.Cut(strings.TrimSpace(line), " "); i >= len(other) || setting != "#" && setting != "max_file_store:" && line != other[i] {
				t.Errorf("line %d is %q", i+1, line)
			}
		}
	})
	t.Run("both autoscalers behave alike", func(t *testing.T) {
		hpa, keda := parseObjects(t, made["overlays/production"]), parseObjects(t, made["overlays/production-keda"])
		for _, name := range []string{"edge", "router"} {
			one, other := hpa.one("HorizontalPodAutoscaler", name).Spec, keda.one("ScaledObject", name).Spec
			a, _ := json.Marshal([]any{one.Behavior, one.MinReplicas, one.MaxReplicas})
			b, _ := json.Marshal([]any{other.Advanced.HorizontalPodAutoscalerConfig.Behavior, other.MinReplicaCount, other.MaxReplicaCount})
			if !bytes.Equal(a, b) || one.MaxReplicas == 0 {
				t.Errorf("%s: %s and %s", name, a, b)
			}
			if len(one.Metrics) != len(other.Triggers) || len(keda.of("HorizontalPodAutoscaler")) > 0 {
				t.Errorf("%s: %v and %v", name, one.Metrics, other.Triggers)
			}
		}
	})
}

var flagInReadme = regexp.MustCompile("`-([a-z][a-z-]+)[ `]")

// checkReadme: variables, flags and metrics that the README names are the programs'.
func checkReadme(t *testing.T, known facts) {
	t.Helper()
	readme, all := read(t, "../../k8s/README.md"), variables()
	others := []string{"processors", "version"} // of bin/load, and what is no flag beside others
	for _, m := range flagInReadme.FindAllStringSubmatch(readme, -1) {
		if name := "LIMEGROVE_" + strings.ToUpper(strings.ReplaceAll(m[1], "-", "_")); !all[name] && !slices.Contains(others, m[1]) {
			t.Errorf("the README names -%s, which is no flag", m[1])
		}
	}
	for _, name := range nameOfVariable.FindAllString(readme, -1) {
		if !all[name] {
			t.Errorf("the README names %s, which is no flag's variable", name)
		}
	}
	for _, name := range metricInQuery.FindAllString(readme, -1) {
		if !known.metrics["edge"][name] && !known.metrics["router"][name] {
			t.Errorf("the README names %s, which nothing has", name)
		}
	}
}

// everyMistakeIsFound changes one text in an overlay at a time.
func everyMistakeIsFound(t *testing.T, made map[string][]json.RawMessage, known facts) {
	const production, keda, files = "overlays/production", "overlays/production-keda", "overlays/production-files"
	for _, tc := range []struct{ overlay, from, to, want string }{
		{production, `"-listen=:8080"`, `"-lissten=:8080"`, "not defined: -lissten"},
		{production, `"-join=gossip:7946"`, `"-join=gosip:7946"`, "leads to no headless service"},
		{production, `"-admin=:8090"`, `"-admin=:8091"`, "the program's is 8091"},
		{production, `"-api=:8085"`, `"-api=:8086"`, "the program's is 8086"},
		{production, `"/router"`, `"/ruter"`, "is no program of the image"},
		{production, `"LIMEGROVE_REPLICAS":`, `"LIMEGROVE_REPLICS":`, "LIMEGROVE_REPLICS is no flag's variable"},
		{production, `"LIMEGROVE_DRAIN_TIMEOUT"`, `"LIMEGROVE_DRAIN"`, "LIMEGROVE_DRAIN is no flag's variable"},
		{production, `"value":"120s"`, `"value":"2 min"`, "invalid value \"2 min\" for flag -drain-timeout"},
		{production, `"value":"120s"`, `"value":"126s"`, "it is killed after 2m30s"},
		{production, `"value":"40000"`, `"value":"400000"`, "its bounds allow"},
		{production, `"value":"1100MiB"`, `"value":"1300MiB"`, "are more than nine tenths"},
		{production, `"key":"nats-edge-url"`, `"key":"nats"`, `the README makes no key "nats"`},
		{production, `"containerPort":8080`, `"containerPort":8081`, "the port sessions is 8081"},
		{production, `"path":"/healthz"`, `"path":"/health"`, "no probe asks for /healthz"},
		{production, `"prometheus.io/path":"/metrics"`, `"prometheus.io/path":"/metric"`, "Prometheus is not led"},
		{production, `"name":"limegrove_edge_sessions"`, `"name":"limegrove_edge_session"`, "the edge has no metric limegrove_edge_session"},
		{production, `"name":"limegrove_router_waiting"`, `"name":"limegrove_edge_sessions"`, "the router has no metric limegrove_edge_sessions"},
		{production, `"periodSeconds":180`, `"periodSeconds":120`, "within 120 s"},
		{production, `"stabilizationWindowSeconds":900`, `"stabilizationWindowSeconds":60`, "scales in after 60 s"},
		{production, `"minReadySeconds":60`, `"minReadySeconds":50`, "the next one goes after 50s"},
		{production, `"targetPort":"sessions"`, `"targetPort":"session"`, `has no port "session"`},
		{production, `"automountServiceAccountToken":false`, `"automountServiceAccountToken":true`, "a token"},
		{
			production, `"kind":"NetworkPolicy","metadata":{"labels":{"app.kubernetes.io/part-of":"limegrove"},"name":"none"`,
			`"kind":"Nothing","metadata":{"name":"none"`, "no NetworkPolicy closes",
		},
		{keda, `sum(limegrove_edge_sessions{`, `sum(limegrove_edge_session{`, "the edge has no metric limegrove_edge_session"},
		{keda, `{namespace=\"limegrove\"}`, `{}`, "counts pods of other namespaces"},
		{files, `"containerPort":8081`, `"containerPort":8082`, "the port files is 8082, and the program's is 8081"},
		{files, `"targetPort":"files"`, `"targetPort":"file"`, `has no port "file"`},
		{files, `"targetPort":"files"`, `"targetPort":"sessions"`, "there is a service for them: false"},
		{files, `"port":"files","protocol":"TCP"`, `"port":"sessions","protocol":"TCP"`, "there is a policy for them: false"},
		{files, `"LIMEGROVE_FILES","value":":8081"`, `"LIMEGROVE_FILES","value":""`, "the program listens on no port files"},
		{files, `"LIMEGROVE_FILES_URL":"https://files.example.org"`, `"LIMEGROVE_FILES_URL":""`, "needs -files-url"},
		{files, `"LIMEGROVE_FILE_BYTES":"6442450944"`, `"LIMEGROVE_FILE_BYTES":"0"`, "there is -file-bytes for them: false"},
		{files, `"LIMEGROVE_FILE_QUOTA":"1073741824"`, `"LIMEGROVE_FILE_QUOTA":"1"`, "is less than one file"},
		{files, `"LIMEGROVE_FILE_TRANSFERS","value":"32"`, `"LIMEGROVE_FILE_TRANSFERS","value":"320"`, "its bounds allow"},
		{keda, `"kind":"Deployment","name":"router"`, `"kind":"Deployment","name":"router"`, ""},
	} {
		var changed []json.RawMessage
		found := false
		for _, text := range made[tc.overlay] {
			found = found || bytes.Contains(text, []byte(tc.from))
			changed = append(changed, bytes.ReplaceAll(text, []byte(tc.from), []byte(tc.to)))
		}
		wrong := together(parseObjects(t, changed).check(known))
		switch {
		case tc.want == "": // what was not made wrong
			if wrong != "" {
				t.Errorf("%s as it is: %s", tc.overlay, wrong)
			}
		case !found:
			t.Errorf("%s has no %s to be made wrong", tc.overlay, tc.from)
		case !strings.Contains(wrong, tc.want):
			t.Errorf("%s for %s was found to be %q, not %q", tc.to, tc.from, wrong, tc.want)
		}
	}
}

var (
	ruleAs     = regexp.MustCompile(`(?m)^    as: (limegrove_[a-z_]+)$`)
	ruleSeries = regexp.MustCompile(`(?m)^- seriesQuery: '(limegrove_[a-z_]+)\{namespace!="",pod!=""\}'$`)
)

// adapterMetrics is what prometheus-adapter makes of the rules, which tell of series of the same names.
func adapterMetrics(t *testing.T) map[string]bool {
	t.Helper()
	text := read(t, "../../k8s/prometheus-adapter/rules.yaml")
	made, series := ruleAs.FindAllStringSubmatch(text, -1), ruleSeries.FindAllStringSubmatch(text, -1)
	known := map[string]bool{}
	for i := range made {
		if len(series) != len(made) || made[i][1] != series[i][1] {
			t.Fatalf("the rules make %v of %v", made, series)
		}
		known[made[i][1]] = true
	}
	return known
}

// checkNATS reads the configuration of the servers as they do, and holds it against their pods and against what the programs store.
func checkNATS(t *testing.T, all objects) {
	t.Helper()
	w := all.one("StatefulSet", "nats")
	c := w.container()
	o, path := natsOptions(t, all, strings.NewReplacer())
	output(t, tool(t, "nats-server"), "--config", path, "-t") // which is strict
	env, _ := all.env(c)
	var err error
	if o.Routes, err = routesOf(c, env); err != nil {
		t.Fatal(err)
	}
	if len(o.Routes) > 0 {
		findEachOther(t, all.one("ConfigMap", w.Spec.Template.Spec.Volumes[0].ConfigMap.Name).Data, o.Routes)
	}

	e, err := all.settingsOf(all.one("Deployment", "edge"))
	if err != nil {
		t.Fatal(err)
	}
	const more = 2 << 30 // events, dead letters, answers of the API and the buckets
	// What is for groups is bounded like the log. JetStream sets all of it aside when a stream is made.
	need := int64(e.Partitions)*int64(2*e.LogBytes+e.InboxBytes+e.Files.Bytes) + more
	volume := size(w.Spec.VolumeClaimTemplates[0].Spec.Resources.Requests["storage"])
	ports := map[string]int{"client": o.Port, "monitor": o.HTTPPort}
	if *w.Spec.Replicas > 1 {
		ports["route"] = o.Cluster.Port
	}
	for name, port := range ports {
		if c.port(json.RawMessage(name)) != port || port == 0 {
			t.Errorf("%s is %d, and the server's is %d", name, c.port(json.RawMessage(name)), port)
		}
	}
	for _, wrong := range []struct {
		is   bool
		what string
	}{
		{int64(o.MaxPayload) < int64(e.edge.MaxEnvelope)+16<<10, "envelopes are too long for max_payload"},
		{need > o.JetStreamMaxStore, "the streams' bounds exceed max_file_store: no stream could be made"},
		{o.JetStreamMaxStore > volume*9/10, "max_file_store leaves nothing of the volume"},
		{o.StoreDir != c.VolumeMounts[0].MountPath, "streams are not on the volume"},
		{o.SyncInterval != time.Second || o.SyncAlways, "sync_interval is not that of the docs"},
		{o.LameDuckDuration+5*time.Second > time.Duration(w.Spec.Template.Spec.TerminationGracePeriodSeconds)*time.Second, "it is killed while it asks clients to go"},
		{len(o.Routes) != 0 && len(o.Routes) != *w.Spec.Replicas, "the routes are not those of the servers"},
		{e.Replicas > *w.Spec.Replicas, "more replicas than servers"},
		{(len(o.Routes) > 0) != (o.Cluster.Password != ""), "routes have no password"},
		{o.SystemAccount != "SYS" || o.NoAuthUser != "" || o.Username+o.Authorization != "", "somebody is let in who is none of the accounts' users"},
		{o.PidFile != strings.TrimPrefix(c.Lifecycle.PreStop.Exec.Command[2], "ldm="), "preStop signals no server"},
	} {
		if wrong.is {
			t.Errorf("NATS: %s", wrong.what)
		}
	}
	passwords := map[string]bool{}
	for _, u := range o.Users {
		passwords[u.Password] = true
	}
	if len(passwords) != len(o.Users) {
		t.Error("NATS: two users have one password")
	}
	for _, program := range []string{"edge", "router"} {
		s, err := all.settingsOf(all.one("Deployment", program))
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(s.NATS)
		if err != nil {
			t.Fatal(err)
		}
		if password, _ := u.User.Password(); u.User.Username() != program || !slices.ContainsFunc(o.Users, func(known *server.User) bool {
			return known.Username == program && known.Password == password
		}) {
			t.Errorf("NATS: the %s is not let in, as %s", program, u.User.Username())
		}
	}
	for _, r := range o.Routes {
		host, service, _ := strings.Cut(r.Hostname(), ".")
		if service != w.Spec.ServiceName || !strings.HasPrefix(host, "nats-") {
			t.Errorf("the route %s leads to no server", r)
		}
	}
}

// routesOf is what servers are told of the others by their arguments.
func routesOf(c *container, env map[string]string) (routes []*url.URL, err error) {
	for _, arg := range c.Args {
		list, ok := strings.CutPrefix(arg, "--routes=")
		if !ok {
			continue
		}
		for name, value := range env {
			list = strings.ReplaceAll(list, "$("+name+")", value)
		}
		for one := range strings.SplitSeq(list, ",") {
			u, err := url.Parse(one)
			if err != nil {
				return nil, err
			}
			routes = append(routes, u)
		}
	}
	return routes, nil
}

// findEachOther starts the servers, which are done when JetStream has a leader: then each says that it is well.
func findEachOther(t *testing.T, conf map[string]string, routes []*url.URL) {
	t.Helper()
	var list []string
	host := func(i int) string { return fmt.Sprintf("127.0.%d.%d", 1+os.Getpid()%250, i+1) }
	for i, r := range routes {
		here := *r
		here.Host = net.JoinHostPort(host(i), r.Port())
		list = append(list, here.String())
	}
	for i := range routes {
		dir := t.TempDir()
		path := writeNATS(t, conf, strings.NewReplacer(
			`"0.0.0.0:`, `"`+host(i)+`:`, "/run/nats/nats.pid", filepath.Join(dir, "pid"), "store_dir: /data", "store_dir: "+strconv.Quote(dir),
		))
		cmd := exec.CommandContext(t.Context(), tool(t, "nats-server"), "--config="+path, "--routes="+strings.Join(list, ","))
		cmd.Env = append(cmd.Environ(), "POD_NAME=nats-"+strconv.Itoa(i))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // it may have ended
			_ = cmd.Wait()
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range routes {
		for !well(ctx, "http://"+net.JoinHostPort(host(i), "8222")+"/healthz") {
			select {
			case <-ctx.Done():
				t.Fatal("the servers of the StatefulSet have not found each other")
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

// well tells whether a page is there, and says so.
func well(ctx context.Context, page string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// checkRedis has a real Redis take the configuration.
func checkRedis(t *testing.T, all objects) {
	t.Helper()
	w := all.one("Deployment", "redis")
	c := w.container()
	conf := all.one("ConfigMap", w.Spec.Template.Spec.Volumes[0].ConfigMap.Name).Data["redis.conf"]
	var args []string
	for line := range strings.Lines(conf) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "", "#", "port", "bind", "dir": // this one has its own
		default:
			args = append(args, "--"+name, strings.Trim(value, `"`))
		}
	}
	// What the pod says further on its command line, but for the password.
	if at := slices.Index(c.Args, "--maxmemory"); at >= 0 {
		args = append(args, c.Args[at:]...)
	}
	r := redistest.Start(t, args...)
	got, err := r.Client().ConfigGet(t.Context(), "maxmemory*").Result()
	if err != nil {
		t.Fatal(err)
	}
	var most int64
	if err := json.Unmarshal([]byte(got["maxmemory"]), &most); err != nil {
		t.Fatal(err)
	}
	if limit := size(c.Resources.Limits["memory"]); most == 0 || most > limit*3/4 || got["maxmemory-policy"] != "noeviction" {
		t.Errorf("Redis has %v of a container of %d bytes", got, limit)
	}
}

// checkImages: the servers are those that Limegrove is tested with, the programs one image.
func checkImages(t *testing.T, all objects) {
	t.Helper()
	edge, router := all.one("Deployment", "edge").container().Image, all.one("Deployment", "router").container().Image
	if edge != router || !strings.HasPrefix(edge, "limegrove:") {
		t.Errorf("edges are %s and routers %s", edge, router)
	}
	if image := all.one("StatefulSet", "nats").container().Image; image != "nats:"+natsVersion(t)+"-alpine" {
		t.Errorf("NATS is %s, and %s is tested", image, natsVersion(t))
	}
}

var literal = regexp.MustCompile(`--from-literal=([a-z-]+)=`)

// TestSecretsAreThoseOfTheReadme: what the README has an operator make is what pods ask for.
func TestSecretsAreThoseOfTheReadme(t *testing.T) {
	readme := read(t, "../../k8s/README.md")
	made, secret := map[string][]string{}, ""
	for line := range strings.Lines(readme) {
		if _, rest, ok := strings.Cut(line, "create secret generic "); ok {
			secret = strings.Fields(rest)[0]
		}
		if secret == "" {
			continue
		}
		for _, m := range literal.FindAllStringSubmatch(line, -1) {
			made[secret] = append(made[secret], m[1])
		}
		if !strings.HasSuffix(line, "\\\n") {
			secret = ""
		}
	}
	for name, keys := range samples {
		if want := slices.Sorted(maps.Keys(keys)); !slices.Equal(slices.Sorted(slices.Values(made[name])), want) {
			t.Errorf("of %s the README makes %v, and pods want %v", name, made[name], want)
		}
	}
}
