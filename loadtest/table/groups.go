package table

// Who tells groups of processes apart, by their names.
type Who func(group string) bool

// These groups are the generator's.
const (
	loadGroup   = "load"
	attackGroup = "attack"
)

// Edges are those of a cluster. A server that is no cluster has one group, which stands where the edges
// do.
func Edges(group string) bool { return group == "edges" || group == "server" }

// Load is what makes the load, without attackers.
func Load(group string) bool { return group == loadGroup }

// Servers are all that the load is put on.
func Servers(group string) bool { return group != loadGroup && group != attackGroup }

// Others are the servers but for the edges.
func Others(group string) bool { return Servers(group) && !Edges(group) }
