package main

import (
	"time"

	"limegrove/cmd/internal/process"
	"limegrove/edge"
	"limegrove/internal/config"
)

// edgeStatus is /status.json of an edge. Names may be added to it.
type edgeStatus struct {
	ID          string           `json:"id"`
	Incarnation string           `json:"incarnation"`
	Zone        string           `json:"zone,omitempty"`
	Domains     []string         `json:"domains"`
	Started     time.Time        `json:"started"`
	Draining    bool             `json:"draining"`
	Sessions    int              `json:"sessions"`
	Connections int              `json:"connections"`
	Router      bool             `json:"router"` // one runs inside
	NATS        string           `json:"nats"`   // connected, or what it is doing
	Members     []process.Member `json:"members"`
}

// statusOf describes the edge, which is nil before it has all that it needs.
func statusOf(cfg config.Edge, p *process.Process, sessions *edge.Edge) edgeStatus {
	self := p.Cluster.Self()
	s := edgeStatus{
		ID: cfg.ID, Incarnation: self.Incarnation, Zone: cfg.Zone, Domains: cfg.Domains, Started: self.Started,
		Router: cfg.RunRouter, NATS: p.NATS.Status().String(), Members: process.Members(p.Cluster),
	}
	if sessions != nil {
		s.Draining, s.Sessions, s.Connections = sessions.Draining(), sessions.Sessions(), sessions.Connections()
	}
	return s
}
