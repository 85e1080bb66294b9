# SPDX-License-Identifier: GPL-3.0-or-later
libbeamline_a_SOURCES += src/platform/confine.c src/platform/platform.c src/platform/platform.h
