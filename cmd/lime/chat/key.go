package chat

// key is one that was pressed.
type key struct {
	code keyCode
	text string // of keyText
}

type keyCode uint8

const (
	keyNone keyCode = iota
	keyText
	keyEnter
	keyLineEnd // within a message
	keyTab
	keyEscape
	keyLeft
	keyRight
	keyWordLeft
	keyWordRight
	keyHome
	keyEnd
	keyBackspace
	keyDelete
	keyKillWord
	keyKillLine
	keyKillEnd
	keyUp
	keyDown
	keyPageUp
	keyPageDown
	keyNext     // conversation
	keyPrevious // conversation
	keyList
	keyQuit
)
