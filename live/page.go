// SPDX-License-Identifier: GPL-3.0-or-later

package live

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"

	"github.com/moonfirefs/moonfirefs/library"
)

var (
	//go:embed page.html
	pageText string
	//go:embed player.js
	playerText string

	pageTemplate = template.Must(template.New("live").Parse(pageText))
)

// pageView is what page.html shows.
type pageView struct {
	Folder string
	// Script is ours, and the only one that Hash lets run (Content Security Policy Level 3
	// §2.3.1).
	Script template.JS
	Hash   template.HTMLAttr
}

// page is the page that plays a stream. It is the same for as long as the stream has its
// name.
func page(s *library.Stream) (*File, error) {
	digest := sha256.Sum256([]byte(playerText))
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, pageView{
		Folder: s.Folder, Script: template.JS(playerText), //nolint:gosec // it is ours
		Hash: template.HTMLAttr("sha256-" + base64.StdEncoding.EncodeToString(digest[:])),
	})
	if err != nil {
		return nil, fmt.Errorf("make page: %w", err)
	}
	return inMemory("page", b.Bytes(), 0), nil
}
