package workload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"limegrove/e2e/fault/history"
	"limegrove/lime"
	limeclient "limegrove/lime/client"
)

// membersOfOne is how many identities are in a group.
const membersOfOne = 8

// circle is a group.
type circle struct {
	address string
	members []string // identities, the owner first
}

// drawGroups makes the groups of a run, and has their members write to them as to their
// peers. The same seed has the same.
func drawGroups(seed uint64, n int, all []role, domain string) (circles []circle) {
	random := rand.New(rand.NewPCG(seed, 2))
	var names []string
	for _, r := range all {
		if !slices.Contains(names, r.name) {
			names = append(names, r.name)
		}
	}
	for i := range n {
		c := circle{address: fmt.Sprintf("g%d@%s", i+1, lime.GroupsDomain(domain))}
		for _, k := range random.Perm(len(names))[:min(membersOfOne, len(names))] {
			c.members = append(c.members, names[k]+"@"+domain)
			for j := range all {
				if all[j].name == names[k] {
					all[j].peers = append(all[j].peers, c.address)
				}
			}
		}
		circles = append(circles, c)
	}
	return circles
}

// Gather makes the groups, and records who is in them. What fails is tried again until ctx
// is done.
func (w *Workload) Gather(ctx context.Context) error {
	for _, c := range w.groups {
		for {
			err := gather(ctx, w.cfg.Edges[0].URL, c)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return fmt.Errorf("make the group %s: %w", c.address, err)
			}
			pause(ctx, firstPause)
		}
		for _, member := range c.members {
			w.record(history.Event{Kind: history.Joined, From: member, To: c.address})
		}
	}
	return nil
}

// gather has the owner of a group make it, or what is missing of it.
func gather(ctx context.Context, url string, c circle) error {
	ctx, cancel := context.WithTimeout(ctx, establishing)
	defer cancel()
	owner, err := limeclient.Dial(ctx, url, limeclient.Config{
		Node: lime.MustParseNode(c.members[0] + "/founder"), Scheme: limeclient.Plain(limeclient.Fixed(password)),
		Backoff: limeclient.Backoff{Tries: -1},
	})
	if err != nil {
		return err
	}
	defer owner.Close()
	set := func(uri, media string, properties map[string]string) error {
		d, err := limeclient.NewDocument(media, properties)
		if err != nil {
			return err
		}
		_, err = owner.Command(ctx, &lime.Command{Method: lime.MethodSet, URI: uri, Type: d.Type, Resource: d.Value})
		return err
	}
	if err := set("/groups", lime.MediaGroup, map[string]string{"identity": c.address}); err != nil {
		return err
	}
	for _, member := range c.members[1:] {
		if err := set("/groups/"+c.address+"/members", lime.MediaMember, map[string]string{"address": member}); err != nil {
			return err
		}
	}
	return nil
}

// copies are what has to come of a message with an id of an outbox: itself, or a copy for
// each member of a group but its sender, by the names that seen has for them.
func (w *Workload) copies(id string) []string {
	sender, to, _ := strings.Cut(id, ">")
	to, _, _ = strings.Cut(to, "#")
	i := slices.IndexFunc(w.groups, func(c circle) bool { return c.address == to })
	if i < 0 {
		return []string{id}
	}
	var all []string
	for _, member := range w.groups[i].members {
		if !strings.HasPrefix(sender, member+"/") {
			all = append(all, copyFor(id, member))
		}
	}
	return all
}

// copyFor is the name of a member's copy.
func copyFor(id, member string) string { return id + ">" + member }

// copyOf is the name of what has come to an identity.
func (w *Workload) copyOf(id, identity string) string {
	if name := copyFor(id, identity); slices.Contains(w.copies(id), name) {
		return name
	}
	return id
}
