"""What our pages in browsers need of others (npm packages): installed at set-up, served by us, never committed."""
