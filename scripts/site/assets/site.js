/** @file Replaces the still picture of each figure by the interactive one when it comes near the window. */
(() => {
  const draw = async (figure) => {
    const { data, layout = {}, config = {} } = JSON.parse(figure.querySelector('script').textContent);
    const { width: _fixed, ...fluid } = layout;
    const height = layout.height ?? 450;
    const stage = document.createElement('div');
    stage.className = 'stage';
    stage.style.height = `${height}px`;
    figure.append(stage);
    await Plotly.newPlot(
      stage,
      data,
      { ...fluid, height, autosize: true },
      { ...config, responsive: true, displaylogo: false },
    );
    figure.querySelector('.still').remove();
    figure.classList.add('drawn');
  };
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        watcher.unobserve(target);
        draw(target);
      }
    },
    { rootMargin: '600px' },
  );
  // A figure is laid out for a page this wide; on a narrower one the still picture, which shrinks as a whole, reads better.
  if (window.innerWidth < 640) return;
  for (const figure of document.querySelectorAll('figure.plotly')) watcher.observe(figure);
})();
