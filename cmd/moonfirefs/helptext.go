// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// helpColumns is how wide a terminal is at the least.
const helpColumns = 80

// fitHelp makes the help of cmd and of the commands below it fit a terminal.
func fitHelp(cmd *cobra.Command) {
	cmd.Long = wrapParagraphs(cmd.Long, helpColumns)
	if !cmd.HasParent() { // others inherit it
		cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages |", ".FlagUsagesWrapped 80 |"))
	}
	for _, child := range cmd.Commands() {
		fitHelp(child)
	}
}

// wrapParagraphs breaks the lines of paragraphs anew. Those with an indented line are lists
// or examples and stay as they are.
func wrapParagraphs(text string, columns int) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, paragraph := range paragraphs {
		if strings.HasPrefix(paragraph, " ") || strings.Contains(paragraph, "\n ") || !tooWide(paragraph, columns) {
			continue
		}
		paragraphs[i] = wrap(strings.Fields(paragraph), columns)
	}
	return strings.Join(paragraphs, "\n\n")
}

func tooWide(text string, columns int) bool {
	for line := range strings.Lines(text) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > columns {
			return true
		}
	}
	return false
}

func wrap(words []string, columns int) string {
	var b strings.Builder
	width := 0
	for _, word := range words {
		length := utf8.RuneCountInString(word)
		switch {
		case width == 0:
		case width+1+length > columns:
			b.WriteString("\n")
			width = 0
		default:
			b.WriteString(" ")
			width++
		}
		b.WriteString(word)
		width += length
	}
	return b.String()
}
