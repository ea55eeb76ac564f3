// Package dashboards describes Grafana's dashboards of a cluster, and writes them as the JSON that Grafana loads:
// k8s/monitoring/dashboards. Each begins with what says whether something is wrong.
//
// It knows the few kinds of panels that they have. What it writes has a fixed uid, and asks for its data source, so that
// provisioning and loading by hand both work.
package dashboards

//go:generate go run limegrove/internal/dashboards/cmd/dashboards ../../k8s/monitoring/dashboards
