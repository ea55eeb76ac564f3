package lime

// Metadata of messages that ask, and of those that answer. Who does not know them gets
// ordinary messages.
const (
	// KeyRequestID is of a message that wants a message for an answer. Its value is a text of
	// the sender's that nobody else can guess, and no other request of its has.
	KeyRequestID = "#request.id"

	// KeyResponseID is of the message that answers. Its value is that of the request's
	// KeyRequestID; of a message without one it is the message's id.
	KeyResponseID = "#response.id"
)
