package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// facts are what the running programs say of themselves.
type facts struct {
	paths   map[string]map[string]bool // of the admin pages, by the program
	metrics map[string]map[string]bool // likewise
	adapter map[string]bool            // what prometheus-adapter makes for autoscalers
}

// finding is something that is wrong with an object.
func finding(o *object, format string, args ...any) error {
	return fmt.Errorf("%s: %w", o, fmt.Errorf(format, args...))
}

// check tells what is wrong with the objects of an overlay beyond their form.
func (all objects) check(known facts) (wrong []error) {
	for _, w := range all.workloads() {
		wrong = append(wrong, all.checkPod(w)...)
		if ours(w) {
			wrong = append(wrong, all.checkProgram(w, known)...)
		}
	}
	wrong = append(wrong, all.checkServices()...)
	wrong = append(wrong, all.checkSelectors()...)
	wrong = append(wrong, all.checkAutoscalers(known)...)
	return wrong
}

// ours tells whether a workload runs one of the programs.
func ours(w *object) bool {
	return w.Spec.Template.Metadata.Labels["app.kubernetes.io/name"] == "limegrove"
}

// checkPod tells what is wrong with the pods of any workload.
func (all objects) checkPod(w *object) (wrong []error) {
	pod, c := w.Spec.Template.Spec, w.container()
	account := all.one("ServiceAccount", pod.ServiceAccountName)
	if on := account.AutomountServiceAccountToken; on == nil || *on {
		wrong = append(wrong, finding(w, "the account %q does not forbid a token", pod.ServiceAccountName))
	}
	if on := pod.AutomountServiceAccountToken; on == nil || *on {
		wrong = append(wrong, finding(w, "a token is mounted"))
	}
	if on := pod.EnableServiceLinks; on == nil || *on {
		wrong = append(wrong, finding(w, "services become variables"))
	}
	if !c.SecurityContext.ReadOnlyRootFilesystem {
		wrong = append(wrong, finding(w, "the root file system can be written"))
	}
	if c.Resources.Requests["cpu"] == "" || c.Resources.Requests["memory"] == "" || c.Resources.Limits["memory"] == "" || c.Resources.Limits["cpu"] != "" {
		wrong = append(wrong, finding(w, "it wants requests, and a limit of memory alone"))
	}
	for _, v := range pod.Volumes {
		if name := v.ConfigMap.Name; name != "" && all.one("ConfigMap", name).Kind == "" {
			wrong = append(wrong, finding(w, "there is no ConfigMap %q", name))
		}
	}
	_, missing := all.env(c)
	for _, err := range missing {
		wrong = append(wrong, finding(w, "%w", err))
	}
	for _, p := range []*probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		if p != nil && p.HTTPGet.Path != "" && c.port(p.HTTPGet.Port) == 0 {
			wrong = append(wrong, finding(w, "a probe asks the port %s, which there is none of", p.HTTPGet.Port))
		}
	}
	return wrong
}

// settingsOf is what a workload's program makes of its command line.
func (all objects) settingsOf(w *object) (settings, error) {
	c := w.container()
	env, _ := all.env(c)
	command := slices.Clone(c.Command)
	for _, a := range c.Args {
		command = append(command, expand(a, env))
	}
	return parse(command, env)
}

// checkProgram tells what is wrong with a workload of one of the programs.
func (all objects) checkProgram(w *object, known facts) (wrong []error) {
	s, err := all.settingsOf(w)
	if err != nil {
		return []error{finding(w, "%w", err)}
	}
	c, pod := w.container(), w.Spec.Template
	name := strings.TrimPrefix(c.Command[0], "/")

	ports := map[string]int{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	for port, number := range s.ports {
		if ports[port] != number {
			wrong = append(wrong, finding(w, "the port %s is %d, and the program's is %d", port, ports[port], number))
		}
	}
	for port := range ports {
		if s.ports[port] == 0 {
			wrong = append(wrong, finding(w, "the program listens on no port %s", port))
		}
	}

	for what, p := range map[string]*probe{"/healthz at its start": c.StartupProbe, "/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
		path, _, _ := strings.Cut(what, " ")
		switch {
		case p == nil || p.HTTPGet.Path != path:
			wrong = append(wrong, finding(w, "no probe asks for %s", what))
		case c.port(p.HTTPGet.Port) != s.ports["admin"]:
			wrong = append(wrong, finding(w, "the probe for %s does not ask the admin pages", what))
		case p.TimeoutSeconds < 2 || path == "/readyz" && p.TimeoutSeconds < 3:
			wrong = append(wrong, finding(w, "the probe for %s has less time than its checks", what))
		}
	}
	for _, p := range []*probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		if p != nil && !known.paths[name][p.HTTPGet.Path] {
			wrong = append(wrong, finding(w, "%s is no page of the %s", p.HTTPGet.Path, name))
		}
	}
	scrape := pod.Metadata.Annotations
	if scrape["prometheus.io/scrape"] != "true" || scrape["prometheus.io/port"] != fmt.Sprint(s.ports["admin"]) || !known.paths[name][scrape["prometheus.io/path"]] {
		wrong = append(wrong, finding(w, "Prometheus is not led to the metrics: %v", scrape))
	}

	grace := time.Duration(pod.Spec.TerminationGracePeriodSeconds) * time.Second
	asleep := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second
	if asleep <= 0 || grace < asleep+s.ending {
		wrong = append(wrong, finding(w, "it is killed after %s, and may take %s to end", grace, asleep+s.ending))
	}

	if ready := time.Duration(w.Spec.MinReadySeconds) * time.Second; s.edge != nil && ready < s.edge.DrainTimeout/2 {
		wrong = append(wrong, finding(w, "the next one goes after %s, when the sessions of the one before may not be back", ready))
	}

	for _, join := range s.Join {
		host, at, _ := net.SplitHostPort(join)
		service := all.one("Service", host)
		if service.Spec.ClusterIP != "None" || !service.Spec.PublishNotReadyAddresses || at != fmt.Sprint(s.ports["gossip"]) {
			wrong = append(wrong, finding(w, "-join %s leads to no headless service of all members", join))
		}
	}
	if s.Gossip != fmt.Sprintf(":%d", port(s.Gossip)) || s.Admin != fmt.Sprintf(":%d", port(s.Admin)) || s.Advertise != fields["status.podIP"] ||
		s.ID != fields["metadata.name"] || s.Zone != fields["metadata.labels['topology.kubernetes.io/zone']"] || len(s.Join) == 0 || len(s.GossipKeys) == 0 {
		wrong = append(wrong, finding(w, "it is no member among others: %q %q %q %q %q", s.Gossip, s.Admin, s.Advertise, s.ID, s.Zone))
	}
	if s.edge != nil {
		wrong = append(wrong, all.checkFiles(w, s)...)
	}
	for _, store := range []string{s.NATS, s.Redis} {
		if err := all.checkStore(store); err != nil {
			wrong = append(wrong, finding(w, "%w", err))
		}
	}
	return append(wrong, all.checkMemory(w, s)...)
}

// checkFiles tells what keeps clients from an edge's files: each of these is there with all others, or none is.
func (all objects) checkFiles(w *object, s settings) (wrong []error) {
	at := s.ports["files"]
	leads := func(name json.RawMessage) bool { return string(name) == `"files"` }
	service := slices.ContainsFunc(all.of("Service"), func(o *object) bool {
		return slices.ContainsFunc(o.Spec.Ports, func(p servicePort) bool { return leads(p.TargetPort) })
	})
	policy := slices.ContainsFunc(all.of("NetworkPolicy"), func(o *object) bool {
		return slices.ContainsFunc(o.Spec.Ingress, func(r rule) bool {
			return slices.ContainsFunc(r.Ports, func(p struct{ Port json.RawMessage }) bool { return leads(p.Port) })
		})
	})
	for what, there := range map[string]bool{"-files-url": s.Files.On(), "-file-bytes": s.Files.Bytes > 0, "a service": service, "a policy": policy} {
		if there != (at != 0) {
			wrong = append(wrong, finding(w, "files are at the port %d, and there is %s for them: %t", at, what, there))
		}
	}
	return wrong
}

// checkStore tells whether a store's URL, as the README makes it, leads to a service that is there.
func (all objects) checkStore(store string) error {
	u, err := url.Parse(store)
	if err != nil {
		return errors.New("a store's URL is none")
	}
	service := all.one("Service", u.Hostname())
	for _, p := range service.Spec.Ports {
		if fmt.Sprint(p.Port) == u.Port() {
			return nil
		}
	}
	return fmt.Errorf("no service is at %s", u.Host)
}

// What takes memory: see the README, and "Limits" and "Memory" in docs/operations.md.
const (
	edgeAlone  = 30 << 20
	perSession = 2 << 10      // at the moment when all come at once
	perSocket  = 5 << 10      // of the system's
	edgeQueues = 144 << 20    // into the log 64, for contacts 16, events 64
	perUpload  = 5 << 19      // half a mebibyte of a chunk, two of a request with a checksum
	perLoad    = 1 << 19      // of a download
	perAsk     = 3 << 19      // where an upload stands: a chunk in JSON, and what that is read to
	router     = 38 << 20     // measured
	perHash    = 19 << 20     // of a password, one for each processor
	perGroups  = 2 * 16 << 20 // stored and not, of a partition
	routerMore = 96 << 20     // contacts 32, events 64
)

// checkMemory tells whether a program's bounds fit into its container.
func (all objects) checkMemory(w *object, s settings) (wrong []error) {
	c := w.container()
	env, _ := all.env(c)
	limit, soft := size(c.Resources.Limits["memory"]), size(strings.TrimSuffix(env["GOMEMLIMIT"], "B"))
	if soft == 0 || env["GOMAXPROCS"] == "" || env["GOMAXPROCS"] == "0" {
		return []error{finding(w, "the runtime is not told of the container: GOMEMLIMIT=%s GOMAXPROCS=%s", env["GOMEMLIMIT"], env["GOMAXPROCS"])}
	}
	var most, system int64
	if e := s.edge; e != nil {
		if e.MaxSessions == 0 {
			wrong = append(wrong, finding(w, "without -max-sessions its memory has no bound"))
		}
		most = edgeAlone + int64(e.MaxSessions)*perSession + int64(e.MaxHeld+e.MaxQueued) + edgeQueues
		if e.Files.Listen != "" {
			most += int64(e.Files.Transfers) * (perUpload + perLoad + perAsk)
		}
		system = int64(e.MaxSessions) * perSocket
		if request := size(c.Resources.Requests["memory"]); request != limit {
			wrong = append(wrong, finding(w, "an edge that is short of memory is killed, with all its sessions: it requests %d of %d bytes", request, limit))
		}
	} else {
		most = router + perHash + int64(s.Partitions)*perGroups + routerMore
	}
	if most > soft {
		wrong = append(wrong, finding(w, "its bounds allow %d MiB, and GOMEMLIMIT is %d MiB", most>>20, soft>>20))
	}
	if soft+system > limit*9/10+limit/100 {
		wrong = append(wrong, finding(w, "GOMEMLIMIT of %d MiB and %d MiB of sockets are more than nine tenths of %d MiB", soft>>20, system>>20, limit>>20))
	}
	return wrong
}

// checkServices tells what is wrong with services: each has pods, all of which have its ports.
func (all objects) checkServices() (wrong []error) {
	for _, o := range all.of("Service") {
		var labels map[string]string
		if err := json.Unmarshal(o.Spec.Selector, &labels); err != nil {
			wrong = append(wrong, finding(o, "its selector: %w", err))
		}
		pods := all.selected(labels)
		if len(pods) == 0 {
			wrong = append(wrong, finding(o, "it selects no pod"))
		}
		for _, w := range pods {
			for _, p := range o.Spec.Ports {
				if w.container().port(p.TargetPort) == 0 {
					wrong = append(wrong, finding(o, "%s has no port %s", w, p.TargetPort))
				}
			}
		}
	}
	for _, w := range all.of("StatefulSet") {
		if all.one("Service", w.Spec.ServiceName).Spec.ClusterIP != "None" {
			wrong = append(wrong, finding(w, "%q is no headless service", w.Spec.ServiceName))
		}
	}
	return wrong
}

// checkSelectors tells what selects no pod, or a port that pods do not have.
func (all objects) checkSelectors() (wrong []error) {
	for _, o := range all.of("PodDisruptionBudget") {
		var s labelSelector
		if err := json.Unmarshal(o.Spec.Selector, &s); err != nil || len(all.selected(s.MatchLabels)) != 1 {
			wrong = append(wrong, finding(o, "it is not for one workload: %v", s.MatchLabels))
		}
	}
	closed := false
	for _, o := range all.of("NetworkPolicy") {
		pods := all.selected(o.Spec.PodSelector.MatchLabels)
		if len(pods) == 0 {
			wrong = append(wrong, finding(o, "it selects no pod"))
		}
		closed = closed || len(o.Spec.PodSelector.MatchLabels)+len(o.Spec.Ingress)+len(o.Spec.Egress) == 0
		for _, r := range o.Spec.Ingress {
			wrong = append(wrong, checkPorts(o, pods, r)...)
			_, err := all.peers(o, r.From)
			wrong = append(wrong, err...)
		}
		for _, r := range o.Spec.Egress {
			to, err := all.peers(o, r.To)
			wrong = append(append(wrong, err...), checkPorts(o, to, r)...)
		}
	}
	if !closed {
		wrong = append(wrong, errors.New("no NetworkPolicy closes what no other opens"))
	}
	return wrong
}

// peers are the workloads here that a rule is about, and what is wrong with it.
func (all objects) peers(o *object, named []peer) (some objects, wrong []error) {
	for _, p := range named {
		if p.PodSelector == nil || p.NamespaceSelector != nil {
			continue // somebody elsewhere
		}
		pods := all.selected(p.PodSelector.MatchLabels)
		if len(pods) == 0 {
			wrong = append(wrong, finding(o, "it is about no pod that there is: %v", p.PodSelector.MatchLabels))
		}
		some = append(some, pods...)
	}
	return some, wrong
}

// checkPorts tells which ports of a rule some workload does not have.
func checkPorts(o *object, pods objects, r rule) (wrong []error) {
	for _, w := range pods {
		for _, p := range r.Ports {
			if w.container().port(p.Port) == 0 {
				wrong = append(wrong, finding(o, "%s has no port %s", w, p.Port))
			}
		}
	}
	return wrong
}

var metricInQuery = regexp.MustCompile(`limegrove_[a-z_]+[a-z]`)

// checkAutoscalers tells what is wrong with what scales.
func (all objects) checkAutoscalers(known facts) (wrong []error) {
	for _, o := range all.of("HorizontalPodAutoscaler", "ScaledObject") {
		w := all.one("Deployment", o.Spec.ScaleTargetRef.Name)
		if w.Kind == "" {
			wrong = append(wrong, finding(o, "it scales nothing"))
			continue
		}
		if w.Spec.Replicas != nil {
			wrong = append(wrong, finding(w, "its number of pods is given, and its autoscaler's as well"))
		}
		program := strings.TrimPrefix(w.container().Command[0], "/")
		var names []string
		for _, m := range o.Spec.Metrics {
			if name := m.Pods.Metric.Name; name != "" {
				names = append(names, name)
				if !known.adapter[name] {
					wrong = append(wrong, finding(o, "prometheus-adapter makes no %s", name))
				}
			}
		}
		for _, t := range o.Spec.Triggers {
			query := t.Metadata["query"]
			names = append(names, metricInQuery.FindAllString(query, -1)...)
			if query != "" && !strings.Contains(query, fmt.Sprintf("namespace=%q", w.Metadata.Namespace)) {
				wrong = append(wrong, finding(o, "%s counts pods of other namespaces", query))
			}
		}
		if len(names) == 0 {
			wrong = append(wrong, finding(o, "it asks for no metric of the program's"))
		}
		for _, name := range names {
			if !known.metrics[program][name] {
				wrong = append(wrong, finding(o, "the %s has no metric %s", program, name))
			}
		}

		b := o.Spec.Behavior
		if o.Kind == "ScaledObject" {
			b = o.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior
		}
		grace := w.Spec.Template.Spec.TerminationGracePeriodSeconds
		if b.ScaleDown.StabilizationWindowSeconds < grace || len(b.ScaleDown.Policies) == 0 {
			wrong = append(wrong, finding(o, "it scales in after %d s, and a pod may take %d s to end", b.ScaleDown.StabilizationWindowSeconds, grace))
		}
		for _, p := range b.ScaleDown.Policies {
			few := p.Type == "Pods" && p.Value <= 1 || p.Type == "Percent" && p.Value <= 10
			if p.PeriodSeconds < grace || !few {
				wrong = append(wrong, finding(o, "it scales %d %s in within %d s, and a pod may take %d s to end", p.Value, p.Type, p.PeriodSeconds, grace))
			}
		}
	}
	return wrong
}
