// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/events"
	"github.com/moonfirefs/moonfirefs/events/mqtt"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// mqttPasswordVariable is the variable of the environment that has the broker's password.
const mqttPasswordVariable = "MOONFIREFS_MQTT_PASSWORD"

// maxSecretBytes bounds what is read of a file with a password.
const maxSecretBytes = 4096

// mqttFlags say what events are taken from an MQTT broker.
type mqttFlags struct {
	broker, user, passwordFile, frigate string
	switches, cameras                   []string
}

func (f *mqttFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.broker, "mqtt", "", "take events from this MQTT broker: mqtt://HOST:PORT, or mqtts:// for TLS")
	cmd.Flags().StringVar(&f.user, "mqtt-user", "", "user at the broker")
	cmd.Flags().StringVar(&f.passwordFile, "mqtt-password-file", "", "file that holds the password at the broker; $"+mqttPasswordVariable+" has it otherwise")
	cmd.Flags().StringVar(&f.frigate, "mqtt-frigate", mqtt.FrigateTopic, "topic on which Frigate publishes events; empty for none")
	cmd.Flags().StringArrayVar(&f.switches, "mqtt-switch", nil, "TOPIC=CAMERA:LABEL: an event with LABEL lasts while the topic is on; may be given several times")
	cmd.Flags().StringArrayVar(&f.cameras, "mqtt-camera", nil, "NAME=CAMERA: Frigate's name of a camera, where it differs; may be given several times")
}

// start listens to the broker until what it returns is closed. The error wraps moonfirefs.ErrInvalid.
func (f *mqttFlags) start(s *store.Store, d *events.Database, log *slog.Logger) (io.Closer, error) {
	c, err := f.config(s)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--mqtt: %w", err)}
	}
	return mqtt.Start(c, d, log)
}

func (f *mqttFlags) config(s *store.Store) (c mqtt.Config, err error) {
	c = mqtt.Config{Broker: f.broker, Username: f.user, ClientID: "moonfirefs-" + s.DB.Meta().Store.String()[:8], Frigate: f.frigate}
	if c.Password, err = f.password(); err != nil {
		return c, err
	}
	for _, text := range f.switches {
		s, err := mqtt.ParseSwitch(text)
		if err != nil {
			return c, err
		}
		c.Switches = append(c.Switches, s)
	}
	names := make(map[string]string)
	for _, text := range f.cameras {
		name, camera, ok := strings.Cut(text, "=")
		if !ok || name == "" || camera == "" {
			return c, moonfirefs.Errorf(moonfirefs.ErrInvalid, "%q is not NAME=CAMERA", text)
		}
		names[name] = camera
	}
	c.Camera = func(name string) (uuid.UUID, bool) {
		found, err := curate.FindCamera(context.Background(), s.DB, cmp.Or(names[name], name))
		if err != nil {
			return uuid.Nil, false
		}
		return found.UUID, true
	}
	return c, c.Check()
}

func (f *mqttFlags) password() (string, error) {
	if f.passwordFile == "" {
		return os.Getenv(mqttPasswordVariable), nil
	}
	file, err := os.Open(f.passwordFile)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSecretBytes))
	return strings.TrimRight(string(text), "\r\n"), err
}
