package room

// Sides tells whose wildcard stands for any value. Any other is a value like the rest: it
// equals itself.
type Sides uint8

// The sides of a publication. In high-templar's code nobody's wildcard does, and on its page
// the publisher's.
const (
	Publisher  Sides = 1 << iota // of what is published
	Subscriber                   // of what is subscribed to

	Neither Sides = 0
	Both          = Publisher | Subscriber
)

// Reaches tells whether what is published to n reaches who has subscribed to other.
func (n Name) Reaches(other Name, s Sides) bool {
	if n == other {
		return true
	}
	if s == Neither {
		return false
	}
	shape, values := n.Split()
	otherShape, others := other.Split()
	return shape == otherShape && meet(values, others, s)
}

// meet compares the values of rooms of one shape.
func meet(published, subscribed []string, s Sides) bool {
	for i, v := range published {
		switch {
		case v == subscribed[i]:
		case s&Publisher != 0 && IsWild(v):
		case s&Subscriber != 0 && IsWild(subscribed[i]):
		default:
			return false
		}
	}
	return true
}

// Allows tells whether who may enter n may enter other: a wildcard of n's allows any value,
// and one of other's only if n has it too. H-18 to H-22.
func (n Name) Allows(other Name) bool { return other.Reaches(n, Subscriber) }
