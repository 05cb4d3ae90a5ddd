// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"aead.dev/minisign"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/fs"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/durable"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/proof/notary"
)

// This file, proofverify.go and the lines that name what is in them are all that the
// program knows of proofs.

func newProofCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "proof",
		Short: "Sign footage, so that others can verify it",
		Long: `A store with a key signs the recordings of each day when the day is over. Whoever has
the public key can then verify the files of the mount, and exported ones, with
"moonfirefs verify".`,
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "init",
		Short: "Make the key with which footage is signed",
		Long: `Makes a key for a store that has none ("moonfirefs init" makes it for a new store).
What is recorded from then on is signed; older footage is not. A running recorder must be
restarted.

The private key is proof/secret.key in the store, readable by its owner alone. Give the
public key, which is printed, to whoever has to believe a proof, before it is needed.`,
		Example: "  moonfirefs proof init",
		Args:    asUsage(noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.withStore(cmd, store.Reading, func(o *opened) error { return o.makeProofKey() })
		},
	})
	return cmd
}

// makeProofKey turns proofs on.
func (o *opened) makeProofKey() error {
	last, err := notary.LastRecording(o.cmd.Context(), o.DB)
	if err != nil {
		return err
	}
	key, err := notary.FolderOf(o.path).Init(last)
	if err != nil {
		return err
	}
	return o.showKey(key)
}

func (o *opened) showKey(key minisign.PublicKey) error {
	return o.printf("What is recorded from now on will be signed. The public key:\n  %s", key.String())
}

// newKey is the key of a new store.
type newKey struct {
	folder notary.Folder
	public minisign.PublicKey
}

func (k *newKey) Make() (err error) {
	k.public, err = k.folder.Init(0)
	return err
}

func (k *newKey) Undo() { k.folder.Remove() }

// proofFlags are those of a command that records.
type proofFlags struct{ timeStampURL string }

func (f *proofFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.timeStampURL, "time-stamp-url", "", "have each day's signature stamped by this authority (RFC 3161); off by default")
}

// problem is what is wrong with the flags.
func (f *proofFlags) problem() error {
	u, err := url.Parse(f.timeStampURL)
	if f.timeStampURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return &usageError{errors.New("--time-stamp-url is not an address of an authority, such as https://HOST/PATH")}
	}
	return nil
}

// start has what is recorded signed, if the store has a key. It returns what is to be
// closed before the store.
func (f *proofFlags) start(ctx context.Context, path string, s *store.Store, log *slog.Logger) (io.Closer, error) {
	if err := f.problem(); err != nil {
		return nil, err
	}
	if !notary.FolderOf(path).Exists() {
		if f.timeStampURL != "" {
			return nil, &usageError{errors.New("--time-stamp-url: the store has no key; make one with: moonfirefs proof init")}
		}
		return io.NopCloser(nil), nil
	}
	n, err := notary.Open(ctx, notary.Options{StorePath: path, Store: s, TimeStampURL: f.timeStampURL, Logger: log})
	if err != nil { // recording matters more
		log.Error("footage is recorded, but not signed", "err", err)
		return io.NopCloser(nil), nil
	}
	n.Start()
	return n, nil
}

// proofsOf are the proofs that a mount of a store offers by name.
func proofsOf(path string, s *store.Store, catalog *library.Catalog, render library.RenderOptions) fs.Companions {
	return notary.Companions{Prover: notary.NewProver(path, s, catalog, render)}
}

// proofPath is where the proof of a file lies.
func proofPath(file string) string {
	return strings.TrimSuffix(file, filepath.Ext(file)) + notary.Suffix
}

// proving is where exported footage comes from, and how it is proved.
type proving struct {
	// store is the folder of the store.
	store string
	// proves says that the store makes proofs, and prove returns that of a part: the error
	// wraps notary.ErrNotSigned while there is none.
	proves bool
	prove  func(part int) ([]byte, error)
}

// requireProofFree is requireFree for the proof of a file.
func (f *exportFlags) requireProofFree(path string) error {
	if err := f.requireFree(proofPath(path)); err != nil {
		return fmt.Errorf("%s: %w", proofPath(path), err)
	}
	return nil
}

// writeProof puts the proof beside an exported part, if the store makes proofs.
func (f *exportFlags) writeProof(cmd *cobra.Command, from proving, part int, path string) error {
	if !from.proves {
		return nil
	}
	text, err := from.prove(part)
	if errors.Is(err, notary.ErrNotSigned) {
		return printLine(cmd, "No proof yet: footage is signed when its day is over; export it again then.\n"+
			"Imported footage, and footage from before there was a key, is never signed.")
	}
	if err != nil {
		return err
	}
	mode := durable.Concurrent | durable.Shared // as the film is
	if f.force {
		mode |= durable.Replace
	}
	err = durable.Write(proofPath(path), mode, func(file *os.File) error {
		_, err := file.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	return printLine(cmd, "Wrote %s, which proves it: moonfirefs verify %s --key PUBLIC-KEY", proofPath(path), path)
}

func (f *exportFlags) proofText(o *opened, catalog *library.Catalog, stream *curate.Stream, i moonfirefs.Interval, part int) ([]byte, error) {
	ctx := o.cmd.Context()
	now, err := catalog.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	state := now.Folder(stream.Folder)
	if state == nil {
		return nil, notary.ErrNotSigned
	}
	v, ok, err := catalog.Clip(ctx, state, i, part)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, notary.ErrNotSigned
	}
	render, err := f.options()
	if err != nil {
		return nil, err
	}
	d, err := notary.NewProver(o.path, o.Store, catalog, render).File(ctx, state.Stream, &v)
	if err != nil {
		return nil, err
	}
	return d.Encode()
}
