package presence

import "limegrove/lime"

// Shown is what others see of an identity: the best status of its sessions with the
// message that goes with it, and the instances of those that want to be seen. Available
// is better than busy, that than away; of several with the same status the one with the
// highest priority speaks, and of those the first by its instance. A session that never
// said, one that is unavailable and one that is invisible are not to be seen, and an
// identity of which nothing is to be seen is unavailable.
func (v View) Shown() lime.Presence {
	best := lime.Presence{Status: lime.StatusUnavailable}
	var instances []string
	for i := range v.Registrations {
		r := &v.Registrations[i]
		if !r.Visible() {
			continue
		}
		instances = append(instances, r.Node.Instance)
		p := &r.Presence
		if d := rank(p.Status) - rank(best.Status); d > 0 || d == 0 && p.Priority > best.Priority {
			best = *p
		}
	}
	return lime.Presence{Status: best.Status, Message: best.Message, Instances: instances}
}

// ShownAt is what others see of one session, by its instance: all that it says of itself.
func (v View) ShownAt(instance string) lime.Presence {
	folded := lime.Node{Instance: instance}.Fold().Instance
	for i := range v.Registrations {
		r := &v.Registrations[i]
		if r.Visible() && r.Node.Fold().Instance == folded {
			return r.Presence
		}
	}
	return lime.Presence{Status: lime.StatusUnavailable}
}

// Visible tells whether others see the session. A guest has nobody to share with.
func (r *Registration) Visible() bool { return !r.Guest && rank(r.Presence.Status) > 0 }

// rank orders statuses; 0 is for those that others do not see.
func rank(s lime.Status) int {
	switch s {
	case lime.StatusAvailable:
		return 3
	case lime.StatusBusy:
		return 2
	case lime.StatusAway:
		return 1
	}
	return 0
}
