//! Formats. Renderers only render.
