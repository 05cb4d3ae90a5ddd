// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

// metadata writes what players show of the file as a whole, in the form that
// iTunes introduced and that every player reads (ISO 14496-12 §8.11.1 for the
// box; the items are a convention).
func (w *writer) metadata() {
	w.box("udta", func() {
		w.fullBox("meta", 0, 0, func() {
			w.hdlr("mdir", "appl", "")
			w.box("ilst", func() {
				w.metadataItem("\xa9nam", w.spec.Title)
				date := appendCivil(nil, isoLayout, secondOf(w.spec.presentedFrom()), w.spec.Zone)
				w.metadataItem("\xa9day", string(date))
				w.metadataItem("desc", w.spec.Description)
			})
		})
	})
}

// metadataItem writes an item, unless it is empty.
func (w *writer) metadataItem(fourCC, text string) {
	if text == "" {
		return
	}
	w.box(fourCC, func() {
		w.box("data", func() {
			w.u32(1) // UTF-8
			w.u32(0) // locale
			w.text(text)
		})
	})
}
