package process

import "limegrove/cluster"

// Member is a member of the cluster in /status.json.
type Member struct {
	ID          string `json:"id"`
	Incarnation string `json:"incarnation"`
	Role        string `json:"role"`
	Zone        string `json:"zone,omitempty"`
	Addr        string `json:"addr,omitempty"` // of its admin pages
	Sessions    int    `json:"sessions"`
	Draining    bool   `json:"draining"`
}

// Members lists everybody whom gossip thinks alive.
func Members(c *cluster.Cluster) []Member {
	all := []Member{}
	for _, m := range c.Members() {
		all = append(all, Member{
			ID: m.ID, Incarnation: m.Incarnation, Role: string(m.Role), Zone: m.Zone,
			Addr: m.Addr, Sessions: m.Sessions, Draining: m.Draining,
		})
	}
	return all
}
