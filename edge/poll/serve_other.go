//go:build !linux

package poll

import "net"

func (g *Group) source(ln net.Listener) (source, error) { return listenerSource{ln}, nil }

func limitUnsentBelow(net.Conn) {}
