package lime

// MaxID is how many bytes an id may have. Servers on the way keep ids for a while.
const MaxID = 1024

// What Check finds. Shared by all that it is found in, and never changed.
var (
	badKind         = &Reason{CodeValidationError, "The envelope has neither content, event, method nor state"}
	badKinds        = &Reason{CodeValidationError, "The envelope has more than one of content, event, method and state"}
	badMessage      = &Reason{CodeValidationError, "A message needs a type"}
	badContent      = &Reason{CodeValidationEmptyDocument, "A message needs content"}
	badDocument     = &Reason{CodeValidationInvalidResource, "An object needs the type application/json or one with +json, a text another one; a document is nothing else"}
	badNotification = &Reason{CodeValidationError, "A notification needs an id"}
	badCommand      = &Reason{CodeValidationError, "A command needs a uri or a status"}
	badResource     = &Reason{CodeValidationEmptyDocument, "The command needs a resource"}
	badID           = &Reason{CodeValidationError, "The id is too long"}
	badType         = &Reason{CodeValidationInvalidResource, "A resource needs a type"}
)

// Check holds the header against the rules of its kind, and returns nil when
// it keeps them. The reason is for the sender, and must not be changed.
//
// What a peer could not bear is refused here, as a message without a type
// (L-ENV-09). A failure without a reason passes: its receiver can live with
// it.
func (h *Header) Check() *Reason {
	if len(h.ID) > MaxID {
		return badID
	}
	if h.kinds() > 1 {
		return badKinds
	}
	switch h.Kind {
	case KindMessage:
		switch {
		case h.Type == nil:
			return badMessage // L-ENV-09
		case h.content == 'n':
			return badContent
		}
	case KindNotification:
		if h.ID == nil {
			return badNotification // L-NOT-11
		}
	case KindCommand:
		return h.checkCommand()
	case KindSession:
	default:
		return badKind // L-ENV-04
	}
	return nil
}

// kinds counts what an envelope's kind is told by. Implementations look in different
// orders, so that two of them would make different envelopes of it.
func (h *Header) kinds() int {
	n := 0
	for _, f := range [...]field{fieldContent, fieldEvent, fieldMethod, fieldState} {
		if h.spans[f].to != 0 {
			n++
		}
	}
	return n
}

func (h *Header) checkCommand() *Reason {
	request := h.Status == 0
	switch {
	case request && h.URI == nil:
		return badCommand
	case request && !h.HasResource && (h.Method == MethodSet || h.Method == MethodMerge):
		return badResource // L-CMD-12
	case h.HasResource && h.Type == nil:
		return badType
	}
	return nil
}

// CheckDocument returns a reason when the content or the resource is not what its type
// says, and is to be called of what is forwarded: lime-go hears nothing more after such
// a document, and the reference implementation closes its connection.
func (h *Header) CheckDocument() *Reason {
	if h.Kind == KindMessage && !fits(h.Type, h.content) || h.Kind == KindCommand && h.HasResource && !fits(h.Type, h.resource) {
		return badDocument
	}
	return nil
}
