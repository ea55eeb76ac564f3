package lime

// MediaLinkType is the media type of a MediaLink.
const MediaLinkType = "application/vnd.lime.media-link+json"

// MediaLink is a message's content that says where a file is. LIME, content types.
type MediaLink struct {
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`
	Type  string `json:"type"`           // the file's media type
	Size  int64  `json:"size,omitempty"` // in bytes; 0 when it is not known
	URI   string `json:"uri"`

	AspectRatio string `json:"aspectRatio,omitempty"` // width:height, of a picture or a video
	PreviewType string `json:"previewType,omitempty"`
	PreviewURI  string `json:"previewUri,omitempty"`
}

// MediaFile is the media type of a File, which is a resource of ours: LIME has links to files and
// no word for how they come to where they are.
const MediaFile = "application/vnd.limegrove.file+json"

// File is a file that the server keeps, as its owner sees it.
type File struct {
	ID     string `json:"id,omitempty"`
	Name   string `json:"name"`
	Type   string `json:"type,omitempty"` // its media type
	Size   int64  `json:"size"`           // in bytes
	SHA256 string `json:"sha256,omitempty"`

	// Complete tells that all of it has come. Then it can be read.
	Complete bool `json:"complete,omitempty"`
	// Expires is when it is removed, or, while it is not complete, given up: as FormatTime writes it.
	Expires string `json:"expires,omitempty"`
	// URI is the link that others are sent: whoever has it may have the file.
	URI string `json:"uri,omitempty"`

	// Upload is there while the file is not complete, Download from then on.
	Upload   *FileTicket `json:"upload,omitempty"`
	Download *FileTicket `json:"download,omitempty"`
}

// FileTicket is where and by what right a file is uploaded, or downloaded, by HTTP.
type FileTicket struct {
	URI     string `json:"uri"`
	Token   string `json:"token"`   // for the header Authorization, behind "Bearer "
	Expires string `json:"expires"` // as FormatTime writes it
}

// Link is what to send of a complete file.
func (f *File) Link() MediaLink {
	return MediaLink{Title: f.Name, Type: f.Type, Size: f.Size, URI: f.URI}
}
