package rig

import (
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"limegrove/e2e/programs"
)

// Every process has an address of its own, so that the ports are the usual ones.
const (
	portNATS    = 4222
	portRoute   = 6222
	portMonitor = 8222
	portRedis   = 6379
	portEdge    = 8080
	portTCP     = 55321
	portAdmin   = 8090
	portGossip  = 7946
)

func at(p *Process, port int) string { return net.JoinHostPort(p.Host, strconv.Itoa(port)) }

func (r *Rig) redisAddress() string { return at(r.Redis, portRedis) }

// EdgeURL is where clients find an edge.
func (r *Rig) EdgeURL(edge *Process) string { return "ws://" + at(edge, portEdge) + "/" }

// EdgeTCP is where clients find an edge over TCP.
func (r *Rig) EdgeTCP(edge *Process) string { return "net.tcp://" + at(edge, portTCP) }

// natsURL names all brokers.
func (r *Rig) natsURL() string { return join(r.Brokers, "nats://", portNATS) }

// join lists the addresses of processes, each behind a scheme.
func join(processes []*Process, scheme string, port int) string {
	var all []string
	for _, p := range processes {
		all = append(all, scheme+at(p, port))
	}
	return strings.Join(all, ",")
}

// assignCommands says how each process is started, and how it shows that it is ready.
func (r *Rig) assignCommands() {
	for _, p := range r.Brokers {
		r.assign(p, r.cfg.Programs.NATS,
			"-n", p.Name, "-a", p.Host, "-p", strconv.Itoa(portNATS), "-m", strconv.Itoa(portMonitor),
			"--cluster_name", "limegrove", "--cluster", "nats://"+at(p, portRoute), "--routes", join(r.Brokers, "nats://", portRoute),
			"--no_advertise", // an edge finds no other way to them than that it was given
			"-js", "-sd", filepath.Join(r.cfg.Dir, p.Name))
		p.ready = programs.Answers("http://" + at(p, portMonitor) + "/healthz?js-enabled-only=true")
	}
	redis, args := r.cfg.Programs.Redis, []string{
		"--port", strconv.Itoa(portRedis), "--bind", r.Redis.Host, "--protected-mode", "no", "--dir", r.cfg.Dir,
		"--save", "", "--appendonly", "no",
	}
	if r.Clocks() {
		redis, args = r.clock.command(r.cfg.Programs.Clock, redis, args...)
	}
	r.assign(r.Redis, redis, args...)
	r.Redis.ready = programs.RedisAnswers(r.redisAddress())

	for _, p := range r.Routers {
		r.assign(p, r.cfg.Programs.Router, r.shared(p, r.cfg.Programs.Router)...)
		p.ready = programs.Answers("http://" + at(p, portAdmin) + "/readyz")
	}
	for _, p := range r.Edges {
		args := append(r.shared(p, r.cfg.Programs.Edge), "-listen", at(p, portEdge), "-tcp", at(p, portTCP))
		if r.cfg.Drain > 0 {
			args = append(args, "-drain-timeout", r.cfg.Drain.String())
		}
		r.assign(p, r.cfg.Programs.Edge, args...)
		p.ready = programs.Answers("http://" + at(p, portAdmin) + "/readyz")
	}
}

func (r *Rig) assign(p *Process, program string, args ...string) {
	p.command = func() *exec.Cmd {
		cmd := r.network.command(p.Name, program, args...)
		cmd.Dir = r.cfg.Dir
		return cmd
	}
}

// shared are the flags that edges and routers have in common.
func (r *Rig) shared(p *Process, program string) []string {
	nats, redis := r.natsURL(), r.redisAddress()
	if p.Name == SlowEdge {
		nats, redis = r.detour.natsURL(), r.detour.redis.Listen
	}
	args := []string{
		"-id", p.Name, "-nats", nats, "-redis", "redis://" + redis, "-replicas", strconv.Itoa(brokers),
		"-gossip", at(p, portGossip), "-admin", at(p, portAdmin), "-domain", Domain,
	}
	if program == r.cfg.Programs.Router { // what the sweep does is needed to understand a loss
		args = append(args, "-log-level", "debug")
	}
	for _, others := range [][]*Process{r.Routers, r.Edges} {
		for _, other := range others {
			if other != p {
				args = append(args, "-join", at(other, portGossip))
			}
		}
	}
	optional := []struct{ flag, value string }{
		{"duplicate-window", r.cfg.Window.String()},
		{"partitions", strconv.Itoa(partitions)},
	}
	for _, o := range optional {
		if knows(program, o.flag) {
			args = append(args, "-"+o.flag, o.value)
		}
	}
	return args
}

// knows tells whether a program of ours has a flag.
func knows(program, flag string) bool {
	usage, err := exec.Command(program, "-h").Output() //nolint:noctx // it ends at once
	return err == nil && strings.Contains(string(usage), "-"+flag+" ")
}

// Domain is what the cluster serves.
const Domain = "localhost"

// partitions are more than there are brokers, so that each leads some streams.
const partitions = 4
