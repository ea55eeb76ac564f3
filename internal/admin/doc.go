// Package admin is the HTTP server for the people and tools that run a process:
//
//	/healthz             200 as long as the process answers at all: restart it otherwise
//	/readyz              200 if it can take clients, else 503 with what fails, as JSON
//	/metrics             for Prometheus
//	/status.json         what the process knows of itself and its cluster
//	/status              the same for people; see package status
//	/debug/pprof/        profiles
//	/debug/freeosmemory  by POST: garbage is collected, and free memory given back to the system
//
// It has no authentication: it belongs on loopback or on a network of operators.
// Pages for people are added with [Config.Pages].
package admin
