"""One verb, one file, one public function; each knows only ports."""
