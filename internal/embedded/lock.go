package embedded

import "errors"

// ErrDirInUse says that another process has its embedded stores in the folder.
var ErrDirInUse = errors.New("the folder is in use by another process")
