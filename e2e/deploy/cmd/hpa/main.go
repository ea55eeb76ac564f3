// Command hpa has the autoscaler of Kubernetes itself decide about edges: a real API server, the real controllers of
// Deployments and autoscalers, prometheus-adapter with k8s/prometheus-adapter/rules.yaml, and a Prometheus. There are no
// nodes: pods run since this program says so, and have the sessions that it says. It is called in the module's folder,
// and prints what it has seen.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"regexp"

	"limegrove/e2e/deploy/apiserver"
	"limegrove/internal/command"
)

func main() {
	os.Exit(command.Main(func(ctx context.Context, args []string, stdout, stderr io.Writer) int { //nolint:forbidigo // a main outside of cmd
		err := command.InFolder("hpa", len(args) > 0 && args[0] == "-keep", stderr, func(dir string) error { return run(ctx, dir, stdout) })
		return command.Status("hpa", err, stderr)
	}))
}

func run(ctx context.Context, dir string, stdout io.Writer) (err error) {
	c, err := apiserver.Start(ctx, dir)
	if err != nil {
		return err
	}
	defer c.Stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := newPods(c)
	go func() { cancel(p.run(ctx)) }()
	s := &stage{Cluster: c, dir: dir, pods: p, out: stdout}
	if err := s.set(ctx); err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	for _, act := range []func(context.Context) error{
		s.withoutProcessorTime, s.withProcessorTime, s.withoutPatience, s.asItIs,
	} {
		if err := act(ctx); err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
	}
	return nil
}

// The numbers are those of the manifest: an edge is to have 20,000 sessions, and can have twice as many.
const (
	target   = 20_000
	capacity = 2 * target
)

// withoutProcessorTime: sessions alone are known. That is enough to scale out, and not to scale in.
func (s *stage) withoutProcessorTime(ctx context.Context) error {
	s.pods.have(began * target)
	if err := s.wants(ctx, "at the target, and nothing knows of processor time", 3, "ScalingActive", "ValidMetricFound"); err != nil {
		return err
	}
	s.pods.have(began * capacity)
	if err := s.wants(ctx, "at capacity, and nothing knows of processor time", 6, "ScalingActive", "ValidMetricFound"); err != nil {
		return err
	}
	s.pods.have(began * target)
	return s.wants(ctx, "half have left, and nothing knows of processor time", 6, "ScalingActive", "FailedGetResourceMetric")
}

// withProcessorTime: it scales in, but not before its window is over.
func (s *stage) withProcessorTime(ctx context.Context) error {
	if err := s.serve(ctx, "v1beta1.metrics.k8s.io", "metrics.k8s.io"); err != nil {
		return err
	}
	return s.wants(ctx, "half have left, and processor time is known", 6, "AbleToScale", "ScaleDownStabilized")
}

// withoutPatience: without the window it goes as far as its policies let it at once, and no further. It is another
// autoscaler, since one that has just scaled out may take that back.
func (s *stage) withoutPatience(ctx context.Context) error {
	hasty := regexp.MustCompile(`"stabilizationWindowSeconds":[1-9][0-9]*`).ReplaceAll(s.lesser, []byte(`"stabilizationWindowSeconds":0`))
	if err := s.replace(ctx, hasty, 2*began, began*target); err != nil {
		return err
	}
	return s.wants(ctx, "the same, without a window", 5, "ScalingLimited", "ScaleDownLimit")
}

// asItIs: the manifest as it is, of edges that are as few as it has.
func (s *stage) asItIs(ctx context.Context) error {
	const least = 6
	if err := s.replace(ctx, s.hpa, least, least*capacity); err != nil {
		return err
	}
	return s.wants(ctx, "the manifest as it is, at capacity", 10, "ScalingLimited", "ScaleUpLimit")
}
