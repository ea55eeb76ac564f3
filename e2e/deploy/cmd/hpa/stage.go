package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"limegrove/e2e/deploy/apiserver"
	"limegrove/e2e/programs"
)

const (
	overlay    = "k8s/overlays/production"
	deployment = "/apis/apps/v1/namespaces/" + apiserver.Namespace + "/deployments/edge"
	autoscaler = "/apis/autoscaling/v2/namespaces/" + apiserver.Namespace + "/horizontalpodautoscalers/edge"
	began      = 3 // edges
)

// stage is all that an autoscaler looks at.
type stage struct {
	*apiserver.Cluster
	dir     string
	pods    *pods
	out     io.Writer
	adapter string // its port
	hpa     []byte // the manifest's autoscaler
	lesser  []byte // with a lesser minimum
}

// set sets the stage: edges of the overlay, their autoscaler with a lesser minimum, and those who serve metrics.
func (s *stage) set(ctx context.Context) error {
	made, err := apiserver.Manifests(ctx, overlay)
	if err != nil {
		return err
	}
	if err := s.Create(ctx, apiserver.NamespaceObject(), false); err != nil {
		return err
	}
	for _, object := range made[overlay] {
		k := apiserver.KindOf(object)
		switch {
		case k.Metadata.Name != "edge":
		case k.Kind == "HorizontalPodAutoscaler":
			s.hpa = object
		case k.Kind == "ServiceAccount", k.Kind == "Deployment":
			if err := s.Create(ctx, object, false); err != nil {
				return err
			}
		}
	}
	if err := s.startAdapter(ctx); err != nil {
		return err
	}
	if err := s.control(ctx); err != nil {
		return err
	}
	if err := s.scale(ctx, began); err != nil {
		return err
	}
	s.lesser = regexp.MustCompile(`"minReplicas":[0-9]+`).ReplaceAll(s.hpa, fmt.Appendf(nil, `"minReplicas":%d`, began))
	return s.Create(ctx, s.lesser, false)
}

// replace has another autoscaler, which knows nothing of what the one before has done, of so many edges that have so
// many sessions together.
func (s *stage) replace(ctx context.Context, hpa []byte, edges, sessions int) error {
	if err := s.Do(ctx, http.MethodDelete, autoscaler, "", nil); err != nil {
		return err
	}
	if err := s.scale(ctx, edges); err != nil {
		return err
	}
	s.pods.have(sessions)
	// The controller forgets the one before when it looks at what there is, once a second.
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(3 * time.Second):
	}
	return s.Create(ctx, hpa, false)
}

// scale has so many edges, by hand.
func (s *stage) scale(ctx context.Context, edges int) error {
	if err := s.Patch(ctx, deployment+"/scale", fmt.Sprintf(`{"spec":{"replicas":%d}}`, edges)); err != nil {
		return err
	}
	return s.Eventually(ctx, "there are as many pods", func() error { return s.pods.are(edges) })
}

// control starts the controllers of autoscalers, and of what they scale.
func (s *stage) control(ctx context.Context) error {
	ports, err := apiserver.FreePorts(1)
	if err != nil {
		return err
	}
	return s.Run(ctx, "kube-controller-manager", "--kubeconfig="+s.Kubeconfig(), "--leader-elect=false",
		"--controllers=horizontal-pod-autoscaler-controller,deployment-controller,replicaset-controller",
		"--horizontal-pod-autoscaler-sync-period=1s", "--bind-address="+apiserver.Host, "--secure-port="+ports[0], "--cert-dir="+filepath.Join(s.dir, "controllers"))
}

// processorTime is what has prometheus-adapter serve metrics.k8s.io as well, as metrics-server does elsewhere.
const processorTime = `
resourceRules:
  cpu:
    containerQuery: sum(pod_processors{<<.LabelMatchers>>}) by (<<.GroupBy>>)
    nodeQuery: sum(pod_processors{<<.LabelMatchers>>}) by (<<.GroupBy>>)
    resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}, node: {resource: node}}}
    containerLabel: container
  memory:
    containerQuery: sum(pod_memory_bytes{<<.LabelMatchers>>}) by (<<.GroupBy>>)
    nodeQuery: sum(pod_memory_bytes{<<.LabelMatchers>>}) by (<<.GroupBy>>)
    resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}, node: {resource: node}}}
    containerLabel: container
  window: 1m
`

// startAdapter starts Prometheus and prometheus-adapter, and has the API server ask that for the sessions.
func (s *stage) startAdapter(ctx context.Context) error {
	rules, err := os.ReadFile("k8s/prometheus-adapter/rules.yaml")
	if err != nil {
		return err
	}
	config := filepath.Join(s.dir, "adapter.yaml")
	if err := os.WriteFile(config, append(rules, processorTime...), 0o600); err != nil { //nolint:gosec // in a folder of our own
		return err
	}
	prometheus, err := s.startPrometheus(ctx)
	if err != nil {
		return err
	}
	ports, err := apiserver.FreePorts(1)
	if err != nil {
		return err
	}
	s.adapter = ports[0]
	if err := s.Run(ctx, "prometheus-adapter", "--prometheus-url="+prometheus, "--config="+config, "--metrics-relist-interval=2s", "--metrics-max-age=1m",
		"--lister-kubeconfig="+s.Kubeconfig(), "--authentication-kubeconfig="+s.Kubeconfig(), "--authorization-kubeconfig="+s.Kubeconfig(),
		"--bind-address="+apiserver.Host, "--secure-port="+s.adapter, "--cert-dir="+filepath.Join(s.dir, "adapter")); err != nil {
		return err
	}
	return s.serve(ctx, "v1beta1.custom.metrics.k8s.io", "custom.metrics.k8s.io")
}

// startPrometheus starts one that scrapes the pods, and returns its address.
func (s *stage) startPrometheus(ctx context.Context) (string, error) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		return "", fmt.Errorf("prometheus is not installed, which `make deps` does: %w", err)
	}
	ports, err := apiserver.FreePorts(2)
	if err != nil {
		return "", err
	}
	scraped, at := net.JoinHostPort(apiserver.Host, ports[0]), net.JoinHostPort(apiserver.Host, ports[1])
	server := &http.Server{Addr: scraped, Handler: s.pods, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.ListenAndServe() }() // Prometheus says when it is not there
	context.AfterFunc(ctx, func() { _ = server.Close() })
	config := filepath.Join(s.dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs: [{job_name: pods, honor_labels: true, static_configs: [{targets: ['%s']}]}]\n", scraped)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return "", err
	}
	err = s.RunProgram("prometheus", program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(s.dir, "prometheus"), "--web.listen-address="+at)
	if err != nil {
		return "", err
	}
	url := "http://" + at
	return url, s.Eventually(ctx, "Prometheus is ready", func() error { return programs.Answers(url + "/-/ready")(ctx) })
}

// serve has the API server ask prometheus-adapter for a group of its API, and waits until it does.
func (s *stage) serve(ctx context.Context, name, group string) error {
	const services = "/api/v1/namespaces/default/services"
	service := fmt.Sprintf(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"adapter"},"spec":{"type":"ExternalName","externalName":"localhost","ports":[{"port":%s}]}}`, s.adapter)
	if err := s.Do(ctx, http.MethodPost, services, "application/json", []byte(service)); err != nil && s.Get(ctx, services+"/adapter", &struct{}{}) != nil {
		return err
	}
	object := fmt.Sprintf(`{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":%q},"spec":{"group":%q,"version":"v1beta1",
		"groupPriorityMinimum":100,"versionPriority":100,"insecureSkipTLSVerify":true,"service":{"namespace":"default","name":"adapter","port":%s}}}`, name, group, s.adapter)
	if err := s.Do(ctx, http.MethodPost, "/apis/apiregistration.k8s.io/v1/apiservices", "application/json", []byte(object)); err != nil {
		return err
	}
	return s.Eventually(ctx, group+" is served", func() error { return s.Get(ctx, "/apis/"+group+"/v1beta1", &struct{}{}) })
}

// status is an autoscaler's.
type status struct {
	Status struct {
		CurrentReplicas, DesiredReplicas int
		CurrentMetrics                   []struct {
			Pods *struct{ Current struct{ AverageValue string } }
		}
		Conditions []struct{ Type, Status, Reason, Message string }
	}
}

// wants waits until the autoscaler wants so many edges, there are as many, it has looked at what they have now, and a
// condition has a reason.
func (s *stage) wants(ctx context.Context, when string, replicas int, condition, reason string) error {
	var said string
	err := s.Eventually(ctx, when+" it wants what it should", func() error {
		var is status
		if err := s.Get(ctx, autoscaler, &is); err != nil {
			return err
		}
		seen := ""
		for _, m := range is.Status.CurrentMetrics {
			if m.Pods != nil {
				seen = m.Pods.Current.AverageValue
			}
		}
		why := ""
		for _, c := range is.Status.Conditions {
			if c.Type == condition {
				why, said = c.Reason, c.Message
			}
		}
		err := s.pods.are(replicas)
		if is.Status.DesiredReplicas != replicas || is.Status.CurrentReplicas != replicas || !s.pods.seen(seen) || why != reason {
			err = errors.Join(err, fmt.Errorf("it wants %d of %d, sees %s sessions, and says %+v", is.Status.DesiredReplicas, is.Status.CurrentReplicas, seen, is.Status.Conditions))
		}
		if err == nil {
			said = why + ": " + said
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s: %d edges; %s %s\n", when, replicas, condition, said)
	return err
}
