package main

import (
	"fmt"
	"path/filepath"

	"github.com/sirupsen/logrus"

	"limegrove/cmd/internal/process"
	"limegrove/internal/config"
	"limegrove/internal/embedded"
)

// stores are the parts that a process runs itself because none were named.
type stores struct {
	nats  *embedded.NATS
	redis *embedded.Redis
	log   *logrus.Logger // theirs
}

// embed starts what cfg names no URL of, and puts the URL there.
func embed(cfg *config.Edge, log *logrus.Logger) (s stores, err error) {
	defer func() {
		if err != nil {
			s.shutdown()
		}
	}()
	s.log = logrus.New()
	s.log.SetOutput(log.Out)
	s.setLog(cfg.Shared)
	if cfg.EmbeddedNATS() {
		if s.nats, err = embedded.StartNATS(embedded.NATSConfig{Dir: filepath.Join(cfg.Data, "nats"), Log: s.log}); err != nil {
			return s, fmt.Errorf("-data %s: %w", cfg.Data, err)
		}
		cfg.NATS = s.nats.URL()
	}
	if cfg.EmbeddedRedis() {
		if s.redis, err = embedded.StartRedis(embedded.RedisConfig{}); err != nil {
			return s, fmt.Errorf("embedded Redis: %w", err)
		}
		cfg.Redis = s.redis.URL()
	}
	return s, nil
}

// setLog has their log keep to a configuration, but for what is told in detail.
func (s stores) setLog(cfg config.Shared) {
	cfg.LogLevel = min(cfg.LogLevel, logrus.InfoLevel)
	process.SetLog(s.log, cfg)
}

// shutdown ends them.
func (s stores) shutdown() {
	if s.redis != nil {
		s.redis.Shutdown()
	}
	if s.nats != nil {
		s.nats.Shutdown()
	}
}
