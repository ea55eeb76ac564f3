package chat

import "limegrove/lime"

// What is to be done, as the model says it. An answer, if there is one, comes as an event.
type (
	// publish sends a message with an id until it is stored. Answer: published.
	publish struct{ message *lime.Message }

	// sayConsumed tells a message's sender that it was read.
	sayConsumed struct {
		id string
		to lime.Node
	}

	// sayWriting tells somebody that something is being written.
	sayWriting struct{ to lime.Identity }

	// ask sends a command. Answer: answered, with about.
	ask struct {
		about   any
		command *lime.Command
	}

	// show sets the own presence. Answer: answered, with about.
	show struct {
		about    any
		presence lime.Presence
	}

	// upload sends a file and answers with progressed and uploaded.
	upload struct{ id, path string }

	// download fetches a file into a directory, "" for that which is configured. Answers: moved and fetched.
	download struct {
		number int
		link   lime.MediaLink
		from   lime.Identity
		into   string
	}

	// cancel ends the transfers.
	cancel struct{}

	// reconnect tries at once.
	reconnect struct{}

	// keepRooms remembers which rooms are to be entered.
	keepRooms struct{ rooms []string }

	// quit ends the program.
	quit struct{}
)

// What happens.
type (
	resized struct{ width, height int }
	pasted  struct{ text string }
	focused struct{ on bool }
	tick    struct{}

	// opening has a conversation shown, as !talk does.
	opening struct{ with string }

	// connection is a change of the session's.
	connection struct {
		state    state
		me       lime.Node
		server   string // the edge
		pause    int    // seconds until the next try
		why      string
		sessions int // how many there have been
	}

	// found is an own message of an earlier process that waits still.
	found struct{ message *lime.Message }

	came      struct{ message *lime.Message }
	notified  struct{ notification *lime.Notification }
	observed  struct{ command *lime.Command }
	published struct {
		id  string
		err error
	}
	answered struct {
		about  any
		answer *lime.Command
		err    error
		lost   bool // the session was, so that nobody knows
	}

	// unrenewed is why a certificate could not be renewed. It is good for a while.
	unrenewed struct{ err error }

	// moved is how far a transfer has come: an upload by its line's id, a download by its number.
	moved struct {
		id          string
		number      int
		done, total int64
	}
	uploaded struct {
		id   string
		file lime.File
		err  error
	}
	fetched struct {
		number int
		path   string
		err    error
	}
)

// state is how the session is.
type state uint8

const (
	connecting state = iota
	online
	away // until the next try
)

// What was asked.
type (
	aboutContacts struct{ skip int }
	aboutContact  struct {
		who    lime.Identity
		remove bool
	}
	aboutEntering struct{ key string }
	aboutLeaving  struct{ key string }
	aboutMembers  struct{ key, within string }
	aboutGroup    struct{ key string }
	aboutPresence struct{ presence lime.Presence }
)
